"""Traces without text: lengths and arrivals are real, labels are drawn from a stated mix.

Mooncake's traces (JSONL: timestamp in ms from the start, input_length, output_length, hash_ids, a
digest for every 512 tokens) and Azure's of 2023 and 2024 (CSV: TIMESTAMP, ContextTokens,
GeneratedTokens).
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from router.domain import Facts, Usage
from router.replay.formats.bodies import bad
from router.replay.logged import Answered, Logged, Read, moment_us

CHARACTERS_PER_TOKEN: Final = 4
"""What stands for the length of a turn that nobody has: the length rule reads characters."""
Tokens = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_COLUMNS: Final = 3


class _Mooncake(Struct, frozen=True, gc=False):
    input_length: Tokens
    output_length: Tokens
    timestamp: Annotated[float, Meta(ge=0, le=1e14)] | None = None
    hash_ids: tuple[Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)], ...] = ()


_read: Final = msgspec.json.Decoder(_Mooncake).decode


def read_mooncake(line: bytes) -> Read:
    """The request in a line of Mooncake's."""
    try:
        said = _read(line)
    except (ValueError, RecursionError) as error:
        return (bad(error),)
    # Milliseconds since the trace began, not since the epoch: day 0 is 1970-01-01.
    at_us = -1 if said.timestamp is None else round(said.timestamp * 1_000)
    return (_logged(at_us, said.input_length, said.output_length, said.hash_ids),)


def read_azure(line: bytes) -> Read:
    """The request in a line of Azure's; none in its header."""
    cells = line.decode("utf-8", "replace").strip().split(",")
    if len(cells) != _COLUMNS:
        return (bad(f"{len(cells)} columns; expected TIMESTAMP,ContextTokens,GeneratedTokens"),)
    if cells[0] == "TIMESTAMP":
        return ()
    try:
        at_us, taken, written = moment_us(cells[0]), int(cells[1]), int(cells[2])
    except ValueError as error:
        return (bad(error),)
    if min(taken, written) < 0:
        return (bad("a negative number of tokens"),)
    return (_logged(at_us, taken, written, ()),)


def _logged(at_us: int, taken: int, written: int, prefix: tuple[int, ...]) -> Logged:
    return Logged(
        at_us=at_us,
        facts=Facts(input_tokens=taken),
        characters=taken * CHARACTERS_PER_TOKEN,
        answer=Answered(usage=Usage(input=taken, output=written, source="billed")),
        prefix=prefix,
        drawn=True,
    )
