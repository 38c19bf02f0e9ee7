"""`gearshift`: the command line."""

import errno
import gc
import os
import sys
from importlib import import_module
from typing import Final

import rich_click as click

from router.config.threads import hold_linear_algebra
from router.errors import GearshiftError

_MODULES: Final = {
    "serve": "serve",
    "sandbox": "sandbox",
    "classify": "classify",
    "route": "route",
    "drift": "drift",
    "judge": "judge",
    "keys": "keys",
    "report": "report",
    "export": "export",
    "ledger": "rollups",
    "reconcile": "reconcile",
    "simulate": "simulate",
    "explain": "explain",
    "lessons": "lessons",
    "train": "train",
    "evaluate": "evaluate",
    "calibrate": "calibrate",
    "models": "models",
    "check": "check",
    "costs": "costs",
}
"""Command → the module of `router.cli` that holds it."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class _Commands(click.RichGroup):
    """Loads a command when it is asked for: what trains is no weight on what serves."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, by name."""
        return sorted(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, loaded."""
        module = _MODULES.get(cmd_name)
        if module is None:
            return None
        # What modules make lives as long as the process: looking for garbage among it finds none,
        # and takes a sixth of the start.
        gc.disable()
        try:
            command: click.Command = getattr(import_module(f"router.cli.{module}"), cmd_name)
        finally:
            gc.enable()
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gearshift", prog_name="gearshift")
def gearshift() -> None:
    """Route each turn to the model that its difficulty needs."""


def main() -> None:
    """Run a command. What we raise on purpose, and a full disk, is one plain line and exit code 1.

    Which file did not fit, commands say themselves, but for standard output.
    """
    hold_linear_algebra()
    try:
        gearshift(prog_name="gearshift")
    except GearshiftError as error:
        click.echo(f"gearshift: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        click.echo(f"gearshift: {error.filename or 'standard output'}: {error.strerror}", err=True)
        # What is left in its buffer would fail once more at the end, and be said in other words.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


if __name__ == "__main__":
    main()
