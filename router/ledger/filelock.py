"""A lock that the kernel gives back when its holder dies, however it dies."""

import fcntl
import os
from pathlib import Path


class FileLock:
    """An exclusive flock on a file. Not for use by two threads at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def take(self) -> bool:
        """Take the lock, or say that another process has it. True again while it is held.

        A file that was deleted under its holder locks nobody out, so its lock counts as lost.
        Raises OSError where the file cannot be made.
        """
        if self._fd is not None:
            if _same_file(self._fd, self._path):
                return True
            self.give_back()
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except OSError:
            os.close(fd)
            raise
        self._fd = fd
        return True

    def give_back(self) -> None:
        """Let go. Without effect where nothing is held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _same_file(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except OSError:
        return False
