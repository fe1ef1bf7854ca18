"""Errors that a caller would catch. Each names what was wrong and the remedy, in one line."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from typing import Any

REPAIR = "`semblance repair` says what can be mended; else restore the index from a copy"
"""The remedy for damage."""


class SemblanceError(Exception):
    """Whatever Semblance refuses to do; the message is fit to be shown to a user."""


class PictureError(SemblanceError):
    """A file or its pixels cannot be read as an image. The one image is skipped, the rest goes on."""


class IndexFolderError(SemblanceError):
    """An index folder is missing, damaged, of a newer format, locked, or made by another recipe."""


class LackError(IndexFolderError):
    """The machine lacks something: space, a permission, locks, files that it may open. Nothing is damaged."""


class SettingError(SemblanceError, ValueError):
    """A setting has a value that makes no sense; refused on the line that wrote it."""


class OptionError(SettingError):
    """An option has a value that makes no sense; the command line calls it by its flag.

    ``problem`` says what is wrong with the ``options``, which are named as in Python.
    """

    def __init__(self, problem: str, *options: str) -> None:
        super().__init__(f"{' and '.join(options)}: {problem}")
        self.problem, self.options = problem, options

    @property
    def by_flags(self) -> str:
        """Return the message with each option as its flag, ``not_same`` as ``--not-same``."""
        flags = (f"--{option.replace('_', '-')}" for option in self.options)
        return f"{' and '.join(flags)}: {self.problem}"


class ArchiveError(SemblanceError):
    """An archive cannot be reached, refuses, or answers with something that is no answer."""


class GoneError(ArchiveError):
    """A study, series or image is not in the archive any more; everything else there may still be had."""


class NoThumbnailError(SemblanceError):
    """An index that keeps no thumbnails was asked for one."""


class FitError(SemblanceError):
    """There is too little to learn from: fewer descriptors than words, or no points at all."""


class NotInstalledError(SettingError):
    """Nothing of a name is installed, or its package lacks something that it imports.

    ``problem`` says which; ``package`` is the package that lacks something, None if there is none at all.
    """

    def __init__(self, name: str, problem: str, remedy: str, package: str | None = None) -> None:
        super().__init__(f"{name!r} {problem}; {remedy}")
        self.problem = problem
        self.package = package


_AGAIN = "run the same command again"
_NO_LOCKS = "this file system gives no locks", "put the index on a local disk"
_NOT_ALLOWED = "no permission", "change the permissions, or run it as the owner"
LACKS = {
    errno.EMFILE: ("too many files are open", f"raise the limit with `ulimit -n 4096`, and {_AGAIN}"),
    errno.ENFILE: ("too many files are open on this machine", f"close other programs, and {_AGAIN}"),
    errno.ENOSPC: ("no space is left on the disk", f"free some space and {_AGAIN}"),
    errno.EDQUOT: ("the quota of the disk is used up", f"free some space and {_AGAIN}"),
    errno.EFBIG: ("a file may not become larger here (`ulimit -f`)", f"free some space and {_AGAIN}"),
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EROFS: ("the file system is read-only", "work on a copy, or mount it for writing"),
    errno.ENOLCK: _NO_LOCKS,
    errno.EOPNOTSUPP: _NO_LOCKS,
    errno.ENOSYS: _NO_LOCKS,
    errno.EIO: ("the disk refuses to read or write", f"look at the disk and its quota, and {_AGAIN}"),
    errno.ESTALE: ("the network folder is not what it was", f"mount it again, and {_AGAIN}"),
    errno.ENOMEM: ("no memory is left", f"close other programs, and {_AGAIN}"),
}
"""What an error of the system means, and what to do about it."""


def lack(error: OSError, what: object = None) -> LackError:
    """Return an error of the system as a sentence about ``what``, such as a path, with its remedy."""
    meaning, remedy = LACKS.get(error.errno or 0, (error.strerror or str(error), f"mend that, and {_AGAIN}"))
    return LackError(f"{meaning}; {remedy}" if what is None else f"{what}: {meaning}; {remedy}")


def did_you_mean(text: str, known: Iterable[str], n: int = 1) -> str:
    """Return the end of a message about a name that is not known: the ``n`` nearest ones, or nothing."""
    import difflib

    near = difflib.get_close_matches(text, list(known), n)
    return f"; did you mean {', '.join(near)}?" if near else ""


def check_switches(given: Mapping[str, Any]) -> None:
    """Raise SettingError for a keyword that is neither True nor False."""
    for key, value in given.items():
        # Any text is true to Python, "no" as well; numpy has a type of its own.
        if type(value).__name__ not in ("bool", "bool_"):
            raise SettingError(f"{key}: {value!r} is neither True nor False")
