"""What was read: which log, how much of it, and by what it was judged."""

from msgspec import Struct


class BadRow(Struct, frozen=True, kw_only=True):
    """A line that could not be read."""

    file: str
    line: int
    reason: str


class Reading(Struct, frozen=True, kw_only=True):
    """How a simulation came about, so that it can be told and done again."""

    sources: tuple[str, ...] = ()
    form: str = ""
    """The log's format."""
    rows: int
    """Lines that were read."""
    bad_rows: int = 0
    bad: tuple[BadRow, ...] = ()
    """The first of them."""
    simulated: bool = False
    """Whether the sandbox answered in the log: no real money."""
    command: str = ""
    """What was typed."""
    classifier: str = ""
    """Version of the classifier that judged."""
    prices: str = ""
    """Version of the price book."""
    lengths: str = ""
    """Version of the output lengths."""
    notes: tuple[str, ...] = ()
    """What else is estimated or assumed, a sentence each."""
