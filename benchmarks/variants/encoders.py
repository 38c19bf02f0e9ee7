"""The encoders that variants ask: exported, tuned first where they must be, their answers kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.variants import store
from benchmarks.variants.exported import Encode, encode, export
from benchmarks.variants.ground import Ground, Mask, Side
from benchmarks.variants.tuned import DONE, Tuning, shorten, tune
from classifier.distil import base_folder

Source: TypeAlias = Tuning | int
"""A fine-tuned encoder, or the base encoder reading so many tokens."""
Note: TypeAlias = Callable[[str], None]
"""Told what is being done, a line each."""
NOTE_EVERY: Final = 100
KEEP_EVERY: Final = 2_000
"""Prompts: a run that is interrupted loses at most so many answers, some seconds' work."""


class Encoders:
    """Encoders over one ground, with a folder for what they cost to make."""

    def __init__(self, ground: Ground, folder: Path, note: Note, base: Path | None = None) -> None:
        """`base` is the folder of the base encoder; MiniLM where none is given."""
        self._ground, self._folder, self._note, self._base = ground, folder, note, base

    def model(self, source: Source, run: int) -> tuple[Encode, int]:
        """The encoder of a run, made where it is not yet, and its size in bytes."""
        base = self._base or base_folder()
        work = self._folder / "minilm"
        tokens = source.tokens if isinstance(source, Tuning) else source
        if isinstance(source, Tuning):
            base = shorten(base, source.layers, self._folder / f"minilm-{source.layers}")
            work = self._folder / source.name / str(run)
            self._tune(source, run, base, work)
        file = export(base, work)
        return encode(file, base / "tokenizer.json", tokens), file.stat().st_size

    def answers(self, source: Source, run: int, side: Side, asked: Mask) -> NDArray[np.float32]:
        """What the encoder of a run says of `asked` rows; the others may be NaN."""
        run = run if isinstance(source, Tuning) else 0
        name = source.name if isinstance(source, Tuning) else f"minilm-{source}"
        path = self._folder / name / str(run) / f"{side}.npy"
        found = store.kept(path)
        missing = np.flatnonzero(asked if found is None else asked & np.isnan(found[:, 0]))
        if missing.size:
            self._note(f"{name}, run {run}: reading {missing.size:,} prompts")
            one, _ = self.model(source, run)
        for begin in range(0, missing.size, KEEP_EVERY):
            part = missing[begin : begin + KEEP_EVERY]
            told = np.stack([one(self._ground.prompts(side)[at]) for at in part.tolist()])
            if found is None:
                found = np.full((asked.size, told.shape[1]), np.nan, np.float32)
            found[part] = told
            store.keep(path, found)
        return np.empty((0, 0), np.float32) if found is None else found

    def _tune(self, tuning: Tuning, run: int, base: Path, work: Path) -> None:
        if (work / DONE).exists():
            return
        fitted = self._ground.fitted(run)
        rows = [row for row, keep in zip(self._ground.rows, fitted, strict=True) if keep]

        def progress(done: int, of: int) -> None:
            if done % NOTE_EVERY == 0:
                self._note(f"{tuning.name}, run {run}: step {done:,} of {of:,}")

        tune(tuning, rows, base, work, progress)
