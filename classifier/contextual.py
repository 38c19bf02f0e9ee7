"""The second stage: a fine-tuned transformer, as int8 ONNX. The only door to onnxruntime.

It reads one text at a time in one thread: batches were slower, and dynamic quantisation takes its
scales from each input, so that only a lone text is judged the same way every time.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifier.pieces import WordPieces

_SILENT: Final = 4
"""onnxruntime's level for what is fatal: everything else is raised as well."""


class Contextual:
    """What a transformer says of the six questions. Immutable, so threads may share it."""

    def __init__(self, file: Path, pieces: WordPieces) -> None:
        """`file` is as `classifier.shrink` makes it over the same `pieces`.

        Raises ValueError where it is something else.
        """
        import onnxruntime  # noqa: PLC0415 (an extra: a version of one stage does without)

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_cpu_mem_arena = False  # it keeps the most that any text has ever needed
        options.log_severity_level = _SILENT
        try:
            self._session = onnxruntime.InferenceSession(
                file, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own kinds have no common base but this
            raise ValueError(f"no ONNX model that can be run: {type(error).__name__}") from error
        self._pieces = pieces
        self._ends = (len(pieces.vocabulary), len(pieces.vocabulary) + 1)
        self.file = file

    def pieces(self, text: str, most: int) -> list[int] | None:
        """The pieces of `text`, between the marks that begin and end it; None above `most`."""
        found = self._pieces.encode(text)
        return None if len(found) > most else [self._ends[0], *found, self._ends[1]]

    def logits(self, pieces: list[int]) -> NDArray[np.float64]:
        """The logit of each head, shape (heads,), of a text that was cut into `pieces`."""
        asked = {"pieces": np.array([pieces], np.int64)}
        found: NDArray[np.float64] = self._session.run(None, asked)[0][0].astype(np.float64)
        return found
