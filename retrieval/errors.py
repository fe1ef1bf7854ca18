"""Errors that a caller would catch. Each names what was wrong and the remedy, in one line."""

from __future__ import annotations

from collections.abc import Iterable

REPAIR = "restore the index from a copy, or index again"
"""The remedy for damage."""


class SemblanceError(Exception):
    """Whatever Semblance refuses to do; the message is fit to be shown to a user."""


class PictureError(SemblanceError):
    """A file or its pixels cannot be read as a picture. The one picture is skipped, the rest goes on."""


class IndexFolderError(SemblanceError):
    """An index folder is missing, damaged, of a newer format, locked, or made by another recipe."""


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


def did_you_mean(text: str, known: Iterable[str], n: int = 1) -> str:
    """Return the end of a message about a name that is not known: the ``n`` nearest ones, or nothing."""
    import difflib

    near = difflib.get_close_matches(text, list(known), n)
    return f"; did you mean {', '.join(near)}?" if near else ""
