"""The installation: which versions read files, so that what one cannot read is tried again with the next."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from .database import Catalogue

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
    """Within a transaction: let files that could not be read be tried again by another installation."""
    installed = " ".join(f"{name}={_version(name)}" for name in _READERS)
    if catalogue.rows("SELECT 1 FROM meta WHERE key = 'readers' AND value = ?", installed):
        return
    catalogue.run("INSERT OR REPLACE INTO meta VALUES ('readers', ?)", installed)
    catalogue.run("UPDATE source SET state = 'failed' WHERE state IN ('skipped', 'ignored')")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
