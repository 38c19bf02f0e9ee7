"""The encoders that variants ask: tuned first where they must be, made small, their answers kept.

They are made and asked as they would serve, int8, one prompt at a time, one thread: dynamic
quantisation takes its scales from each input, so what is fitted and judged must come from the same
lone prompts as serving sees.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.variants import store
from benchmarks.variants.ground import Ground, Mask, Side
from benchmarks.variants.tuned import Tuning, frozen, shorten, tune
from classifier.contextual import Contextual
from classifier.distil import base_folder
from classifier.features import scored_text
from classifier.finetune import Tuned
from classifier.pieces import WordPieces, cut
from classifier.shrink import shrink
from classifier.targets import Floats
from classifier.types import Prompt

ENCODER: Final = "encoder.onnx"

Source: TypeAlias = Tuning | int
"""A fine-tuned encoder, or the base encoder reading so many tokens."""
Encode: TypeAlias = Callable[[Prompt], Floats]
"""The numbers of one prompt: an embedding, or the logits of the heads."""
Note: TypeAlias = Callable[[str], None]
"""Told what is being done, a line each."""
NOTE_EVERY: Final = 100
KEEP_EVERY: Final = 2_000
"""Prompts: a run that is interrupted loses at most so many answers, some seconds' work."""


class Encoders:
    """Encoders over one ground, with a folder for what they cost to make."""

    def __init__(
        self,
        ground: Ground,
        folder: Path,
        note: Note,
        pieces: WordPieces,
        base: Path | None = None,
    ) -> None:
        """All read texts as `pieces` cuts them, the version's that ships.

        `base` is the folder of the base encoder; MiniLM where none is given.
        """
        self._ground, self._folder, self._note = ground, folder, note
        self._pieces, self._base = pieces, base

    def model(self, source: Source, run: int) -> tuple[Encode, int]:
        """The encoder of a run, made where it is not yet, and its size in bytes."""
        if isinstance(source, Tuning):
            tuning, tokens, work = source, source.tokens, self._folder / source.name / str(run)
        else:
            tuning, tokens, work = None, source, self._folder / "minilm"
        file = work / ENCODER
        if not file.exists():
            made, draft = self._make(tuning, run, work), work / f"{ENCODER}.part"
            work.mkdir(parents=True, exist_ok=True)
            shrink(made, self._pieces.vocabulary, draft)
            draft.rename(file)
        return encode(file, self._pieces, tokens), file.stat().st_size

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

    def _make(self, tuning: Tuning | None, run: int, work: Path) -> Tuned:
        base = self._base or base_folder()
        if tuning is None:
            return frozen(base)
        name = tuning.name
        fitted = self._ground.fitted(run)
        rows = [row for row, keep in zip(self._ground.rows, fitted, strict=True) if keep]

        def progress(done: int, of: int) -> None:
            if done % NOTE_EVERY == 0:
                self._note(f"{name}, run {run}: step {done:,} of {of:,}")

        base = shorten(base, tuning.layers, self._folder / f"minilm-{tuning.layers}")
        return tune(tuning, rows, base, work, progress)


def encode(file: Path, pieces: WordPieces, tokens: int) -> Encode:
    """What an encoder says of one prompt, of which at most `tokens` pieces are read."""
    encoder = Contextual(file, pieces)
    begin = len(pieces.vocabulary)
    ends = (begin, begin + 1)

    def one(prompt: Prompt) -> Floats:
        return encoder.logits(cut(pieces.encode(scored_text(prompt)), tokens, ends))

    return one
