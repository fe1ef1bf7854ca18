"""The UIDs of a DICOM file: an index keeps hashes of them alone."""

from __future__ import annotations

from pathlib import Path

from ...errors import PictureError
from ..warnings_off import quiet
from .header import text_of

_KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def header_uids(path: Path) -> tuple[str, str, str]:
    """Return the UIDs of the study, the series and the image of a file. PictureError if it lacks one."""
    from pydicom import dcmread

    try:
        with quiet():
            header = dcmread(path, specific_tags=list(_KEYWORDS), stop_before_pixels=True)
    except Exception as error:  # what is no DICOM fails in many ways
        raise PictureError(f"{path.name}: is no DICOM file, and belongs to no study") from error
    study, series, uid = (text_of(header, keyword) for keyword in _KEYWORDS)
    if not (study and series and uid):
        raise PictureError(f"{path.name}: does not say to which study it belongs")
    return study, series, uid
