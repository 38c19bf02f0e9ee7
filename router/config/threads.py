"""How many threads numpy's linear algebra may start, settled before numpy is loaded."""

import os
from typing import Final

VARIABLE: Final = "OPENBLAS_NUM_THREADS"


def hold_linear_algebra() -> None:
    """One thread, unless the environment says how many.

    A prompt is too small a product to share, and threads that wait for each other spin: training on
    the samples took 7.9 s of CPU with two of them, and 2.1 s with one.
    """
    os.environ.setdefault(VARIABLE, "1")
