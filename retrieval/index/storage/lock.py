"""The writer lock: one process at a time writes to an index folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ...errors import IndexFolderError, lack


class WriterLock:
    """Hold an index folder for writing until ``release``, or until the process ends, even if it is killed.

    Readers need no lock: they read from a commit, and files of a commit never change.

    Raises
    ------
    IndexFolderError : another process writes to the folder, or it cannot be written to at all.
    """

    def __init__(self, folder: Path) -> None:
        self._file = _open(folder)
        try:
            # The kernel releases the lock with the process. A file whose mere presence is the lock would stay
            # behind after a kill and need a hand to remove it.
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise IndexFolderError(
                f"{folder}: another process is writing to this index; wait until it is done"
            ) from None
        except OSError as error:
            os.close(self._file)
            raise lack(error, folder) from error

    def release(self) -> None:
        """Let other processes write. A second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _open(folder: Path) -> int:
    try:
        # Close-on-exec: a worker process that inherited the file would hold the lock after this one ended.
        return os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise lack(error, f"{folder}: cannot write to this index") from error
