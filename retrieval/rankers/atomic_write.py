"""Atomic writing: a file is written beside its place and renamed, so that it is whole or not there."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import SemblanceError


def write_atomically(content: bytes, path: Path) -> None:
    """Write a file, or replace it: a kill at any instant leaves the old one or the new one.

    Raises
    ------
    SemblanceError : it cannot be written; nothing of it is left behind.
    """
    with replacing(path) as beside:
        beside.write_bytes(content)


@contextmanager
def replacing(path: Path, *, is_lasting: bool = True) -> Iterator[Path]:
    """Yield a path to write to; at the end of the block that file takes the place of ``path``.

    ``is_lasting`` says that it must outlast a loss of power, for which the disk is waited for. If an error
    leaves the block, ``path`` stays as it was. Raises SemblanceError in place of any OSError.

    A link goes on leading where it led: what it leads to is replaced. A pipe or a device, such as
    ``/dev/stdout``, is written to as it is.
    """
    if _is_stream(path):
        with _in_one_line(path):
            yield path
        return
    # In the same folder, because a rename is atomic only within one file system. The name is not made from
    # that of `path`, which may be as long as a name can be.
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    beside = target.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.semblance")
    try:
        with _in_one_line(path):
            yield beside
            # Renamed only when it is on the disk: else a loss of power could keep the new name and lose the
            # content.
            if is_lasting:
                _sync(beside)
            beside.replace(target)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _is_stream(path: Path) -> bool:
    # A rename would put a file in the place of the pipe or the device, which is then gone for everybody.
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


@contextmanager
def _in_one_line(path: Path) -> Iterator[None]:
    """Raise SemblanceError in place of any OSError."""
    try:
        yield
    except OSError as error:
        raise SemblanceError(
            f"{path}: cannot be written ({error.strerror or error}); name another place, or make room there"
        ) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
