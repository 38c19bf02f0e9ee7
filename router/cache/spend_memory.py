"""What was spent, counted in this process alone."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from router.budgets import Bound, Fill, Hold, Window, is_over


class MemorySpend:
    """The counter where no Redis is named: right for one process. Implements SpendCounter."""

    degraded: ClassVar[None] = None

    def __init__(self) -> None:
        self._spent: dict[Window, int] = {}
        self._held: dict[Window, int] = {}

    def fill(self, window: Window) -> Fill:
        """How full `window` is."""
        spent, held = self._spent.get(window, 0), self._held.get(window, 0)
        return Fill(window=window, spent=spent, held=held)

    async def hold(self, bounds: Sequence[Bound], amount: int) -> Hold | Fill:
        """Set `amount` aside, or give the window that is too full. Never waits."""
        return self.hold_now(bounds, amount)

    def hold_now(self, bounds: Sequence[Bound], amount: int) -> Hold | Fill:
        """The same, for whoever cannot wait."""
        for bound in bounds:
            fill = self.fill(bound.window)
            if is_over(bound, fill, amount):
                return fill
        for bound in bounds:
            self._held[bound.window] = self._held.get(bound.window, 0) + amount
        return Hold(bounds=tuple(bounds), amount=amount)

    def settle(self, hold: Hold, spent: int, *, simulated: bool = False) -> None:
        """Count `spent` for what was set aside."""
        for bound in hold.bounds:
            window, counted = bound.window, spent if bound.simulated == simulated else 0
            self._spent[window] = self._spent.get(window, 0) + counted
            held = self._held.get(window, 0) - hold.amount
            if held > 0:
                self._held[window] = held
            else:
                self._held.pop(window, None)

    def learn(self, totals: Mapping[Window, int]) -> None:
        """Take over what is known to have been spent, where that is more."""
        for window, total in totals.items():
            self._spent[window] = max(total, self._spent.get(window, 0))

    async def refresh(self, bounds: Sequence[Bound]) -> None:
        """Forget windows that are over, and that no request under way belongs to."""
        kept = {bound.window for bound in bounds} | set(self._held)
        self._spent = {window: sum_ for window, sum_ in self._spent.items() if window in kept}

    async def close(self) -> None:
        """Nothing to give back."""
