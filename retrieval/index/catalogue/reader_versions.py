"""Versions of the packages that read files: after a change, files that could not be read are tried again."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from ...readers import READING
from ...readers.limits import Limits, current_limits
from .database import Catalogue

# What decides if a file can be decoded; an optional codec that is installed later counts as a change.
_READERS = (
    "semblance",
    "imagecodecs",
    "nibabel",
    "opencv-python-headless",
    "Pillow",
    "pydicom",
    "pyjpegls",
    "pylibjpeg",
    "pylibjpeg-libjpeg",
    "pylibjpeg-openjpeg",
    "tifffile",
)


def retry_after_change(catalogue: Catalogue) -> None:
    """Within a transaction: if other versions are installed than last time, retry what could not be read."""
    installed = " ".join(f"{name}={_version(name)}" for name in _READERS)
    # What was passed over is read when the readers have learnt more, or when the index takes more kinds.
    also = catalogue.rows("SELECT value FROM meta WHERE key = 'also'")
    installed += f" reading={READING} also={also[0][0] if also else ''}"
    # The default ones are not named, so that an index of an earlier version reads nothing again for them.
    limits = current_limits()
    installed += "" if limits == Limits() else f" limits={limits}"
    if catalogue.rows("SELECT 1 FROM meta WHERE key = 'readers' AND value = ?", installed):
        return
    catalogue.run("INSERT OR REPLACE INTO meta VALUES ('readers', ?)", installed)
    # `failed` means "try again with the next update"; `skipped` and `ignored` wait for the file to change.
    catalogue.run("UPDATE source SET state = 'failed' WHERE state IN ('skipped', 'ignored')")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
