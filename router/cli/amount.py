"""A number on the command line that lies between two others."""

import rich_click as click


class Amount(click.FloatRange):
    """A range of numbers; what is no number lies in none of them, whatever click says."""

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Raises BadParameter."""
        number: float = super().convert(value, param, ctx)
        if number != number:  # noqa: PLR0124  (the one that differs from itself)
            self.fail(f"{value!r} is no number", param, ctx)
        return number
