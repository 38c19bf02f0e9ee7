"""What a parent process leaves in the environment for its workers."""

import os
import shutil
from pathlib import Path
from typing import Final

from router.errors import ConfigError

_ENGINE: Final = {
    "DO_NOT_TRACK": "1",
    "DAFT_PROGRESS_BAR": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""The batch engine and its cluster are to report to nobody, to draw no bars of their own, and to
write no token for a cluster that lives as long as the command."""


def share_engine() -> None:
    """Set what the batch engine reads when it is loaded, where nobody has set it yet.

    Its processes find our code where this one found it, installed or not.
    """
    for name, value in _ENGINE.items():
        os.environ.setdefault(name, value)
    here = str(Path(__file__).parents[2])
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if here not in known:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (here, *known)))


def share_metrics(folder: Path) -> None:
    """Name the folder in which prometheus-client meets itself, emptied of what an earlier run left.

    The library reads its variable when a worker imports it. Raises ConfigError when the folder
    cannot be made.
    """
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(
            f"the metrics folder {folder} cannot be made: {error.strerror}"
        ) from error
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
