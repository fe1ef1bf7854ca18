"""UIDs: of files that came from an archive, and whether what an archive calls one is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from retrieval.errors import ArchiveError
from retrieval.readers.warnings_off import quiet

_UID = re.compile(rb"\x08\x00\x18\x00(?:UI(..)|(..)\x00\x00)", re.DOTALL)
"""(0008,0018), the SOP Instance UID, in Explicit and Implicit VR Little Endian (PS3.5 section 7.1)."""
_META = re.compile(rb"\x02\x00\x00\x00UL\x04\x00(....)", re.DOTALL)
"""(0002,0000), the length of what follows of the meta header; that is always explicit and little endian."""
_SAFE = re.compile(r"[0-9A-Za-z._-]+")


def checked_uid(value: Any, shown: str) -> str:
    """Return a UID that an archive named. Raise ArchiveError if it is none.

    Letters are let through: anonymisers write them. What could lead elsewhere in a path or an address is not.
    """
    if not isinstance(value, str) or len(value) > 64 or not _SAFE.fullmatch(value) or value.startswith("."):
        raise ArchiveError(f"{shown}: names a UID that is none; nothing of it is read")
    return value


def uid_in(head: bytes) -> str | None:
    """Return the SOP instance UID of a DICOM file by its first bytes; None if they do not show it.

    That of the data set: the meta header is left as it was by some who give a file another one.
    """
    # A tenth of the time of a reader of whole headers, at hundreds of files a second.
    meta = _META.match(head, 132) if head[128:132] == b"DICM" else None
    match = None if meta is None else _UID.search(head, meta.end() + int.from_bytes(meta[1], "little"))
    if match is None:
        return None
    start, n = match.end(), int.from_bytes(match[1] or match[2], "little")
    value = head[start : start + n].rstrip(b"\0 ")
    is_whole = value.isascii() and 0 < n <= 64 and len(head) >= start + n
    return value.decode() if is_whole and value else None


def uid_of_file(path: Path) -> str | None:
    """Return the SOP instance UID of a DICOM file, or that of its meta header; None if it has none."""
    from pydicom import dcmread

    try:
        with quiet():
            header = dcmread(path, stop_before_pixels=True, specific_tags=["SOPInstanceUID"], force=True)
            uid = header.get("SOPInstanceUID") or header.file_meta.get("MediaStorageSOPInstanceUID")
    except Exception:  # damaged DICOM fails in many ways
        return None
    return str(uid) if uid else None
