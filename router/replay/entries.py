"""Every request under every policy as a row of a Parquet file, written as it comes."""

from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from classifier.types import LABELS, TIERS
from router.columns import NOBODY, UNKNOWN, Columns, Money, Routed
from router.domain import REASONS
from router.replay.logged import LogError

Arrow: TypeAlias = Any
"""A module or a value of an extra that has no types here."""

FILE: Final = "entries.parquet"
_WORDS: Final = [
    "policy",
    "file",
    "user",
    "key",
    "label",
    "tier",
    "model",
    "reason",
    "logged_model",
]
"""Columns that repeat themselves."""
GROUP_ROWS: Final = 65_536
"""Rows that are compressed together."""


class Entries:
    """The file while it is written; whole only when it is closed."""

    def __init__(self, folder: Path, policies: tuple[str, ...]) -> None:
        """Raises LogError where the library is not installed."""
        self._path = folder / FILE
        self._draft = folder / f".{FILE}.part"
        self._policies = policies
        self._arrow: Arrow = _arrow()
        self._writer: Arrow = None
        self._waiting: list[Arrow] = []
        self._rows = 0

    def add(self, columns: Columns, file: str, lines: NDArray[np.int64]) -> None:
        """The requests of a part, which stand in these lines of `file`."""
        for name, routed in zip(self._policies, columns.policies, strict=True):
            self._waiting.append(self._table(name, columns, routed, file, lines))
        self._rows += columns.rows * len(columns.policies)
        if self._rows >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Put the file in its place."""
        self._flush()
        if self._writer is not None:
            self._writer.close()
            self._draft.replace(self._path)

    def _flush(self) -> None:
        if not self._waiting:
            return
        table = self._arrow.concat_tables(self._waiting)
        self._waiting, self._rows = [], 0
        if self._writer is None:
            from pyarrow import parquet  # noqa: PLC0415 # an extra

            self._writer = parquet.ParquetWriter(
                self._draft, table.schema, compression="zstd", use_dictionary=_WORDS
            )
        self._writer.write_table(table)

    def _table(
        self, policy: str, columns: Columns, routed: Routed, file: str, lines: NDArray[np.int64]
    ) -> Arrow:
        n = columns.rows
        made: dict[str, object] = {
            "policy": self._names((policy,), np.zeros(n, np.uint8)),
            "file": self._names((file,), np.zeros(n, np.uint8)),
            "line": lines,
            "at": self._time(columns.at_us),
            "conversation": columns.conversation,
            "user": columns.user,
            "key": columns.key,
            "label": self._names(LABELS, columns.label),
            "characters": columns.characters,
            "tier": self._names(TIERS, routed.tier),
            "model": self._names(routed.models, routed.model),
            "reason": self._names(REASONS, routed.reason),
            "cost_pico_usd": self._money(_whole(routed.cost)),
            **{
                f"{tier}_pico_usd": self._money(_whole(routed.tiers[:, at]))
                for at, tier in enumerate(TIERS)
            },
            **{f"success_{tier}": columns.success[:, at] for at, tier in enumerate(TIERS)},
            "logged_model": columns.logged_model,
            "logged_pico_usd": self._money(columns.logged),
            **{
                f"logged_{name}_tokens": self._money(columns.tokens[:, at])
                for at, name in enumerate(("input", "cached", "output"))
            },
        }
        return self._arrow.table(made)

    def _names(self, names: tuple[str, ...], codes: NDArray[Any]) -> Arrow:
        """Words by their positions; none where there is none."""
        missing = (codes == NOBODY) if codes.dtype == np.uint8 else (codes < 0)
        index = self._arrow.array(codes.astype(np.int32), mask=missing)
        return self._arrow.DictionaryArray.from_arrays(index, list(names))

    def _money(self, values: Money) -> Arrow:
        return self._arrow.array(values, mask=values == UNKNOWN)

    def _time(self, at_us: NDArray[np.int64]) -> Arrow:
        kind = self._arrow.timestamp("us", tz="UTC")
        return self._arrow.array(at_us, kind, mask=at_us < 0)


def _whole(parts: Money) -> Money:
    """The sum of a cost's parts; unknown where one is."""
    known = (parts != UNKNOWN).all(axis=1)
    whole: Money = np.where(known, parts.sum(axis=1), UNKNOWN)
    return whole


def _arrow() -> Arrow:
    try:
        import pyarrow  # noqa: PLC0415 # an extra
    except ImportError as error:
        raise LogError(f"{error.name} is not installed: make setup EXTRAS=sim") from error
    return pyarrow
