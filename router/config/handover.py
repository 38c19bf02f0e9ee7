"""What a parent process leaves in the environment for its workers."""

import os
import shutil
from pathlib import Path

from router.errors import ConfigError


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
