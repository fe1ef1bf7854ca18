"""Errors that a caller would catch. Each names what was wrong and the remedy, in one line."""


class SemblanceError(Exception):
    """Whatever Semblance refuses to do; the message is fit to be shown to a user."""


class PictureError(SemblanceError):
    """A file or its pixels cannot be read as a picture. The one picture is skipped, the rest goes on."""


class IndexFolderError(SemblanceError):
    """An index folder is missing, damaged, of a newer format, locked, or made by another recipe."""


class SettingError(SemblanceError, ValueError):
    """A setting has a value that makes no sense; refused on the line that wrote it."""


class FitError(SemblanceError):
    """There is too little to learn from: fewer descriptors than words, or no points at all."""
