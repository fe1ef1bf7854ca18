"""DICOM transfer syntaxes of compressed frames, by families of codecs; PS3.5 section 10 and annex A.4."""

from __future__ import annotations

from typing import Any

from ..codestream import Codestream

_PREFIX = "1.2.840.10008.1.2.4."
BASELINE = f"{_PREFIX}50"
EXTENDED = f"{_PREFIX}51"
JPEG = {f"{_PREFIX}{n}" for n in (50, 51, 52, 53, 54, 55, 56, 57, 58, 70)}
"""JPEG of any process: sequential (50, 51), spectral selection (52, 53), progressive (54, 55), lossless."""
LOSSLESS_JPEG = {f"{_PREFIX}{n}" for n in (57, 58, 70)}
REVERSIBLE = {*LOSSLESS_JPEG, *(f"{_PREFIX}{n}" for n in (80, 90, 92, 201, 202))}
"""Syntaxes that keep every bit of a word."""
JPEG_LS = {f"{_PREFIX}{n}" for n in (80, 81)}
JPEG_2000 = {f"{_PREFIX}{n}" for n in (90, 91, 92, 93)}
RLE = "1.2.840.10008.1.2.5"
PLAIN_FRAMES = "1.2.840.10008.1.2.1.98"  # encapsulated, but not compressed; PS3.5 A.4.11
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"

_HIGH_THROUGHPUT = {f"{_PREFIX}{n}" for n in (201, 202, 203)}
_FAMILIES = {
    "JPEG 2000": (JPEG_2000 | _HIGH_THROUGHPUT, 91),
    "JPEG-LS": (JPEG_LS, 81),
    "lossless JPEG": (LOSSLESS_JPEG, 57),
    "JPEG": (JPEG - LOSSLESS_JPEG, 51),
}
"""The syntaxes of each family of codecs (``Codestream.codec``), and the number of one that takes them all."""
_COMPRESSED = JPEG | JPEG_LS | JPEG_2000 | _HIGH_THROUGHPUT | {RLE}


def true_syntax(syntax: Any, stated: Codestream | None) -> Any:
    """Return the transfer syntax, a pydicom UID, of the codec that a frame was coded by.

    It is that of the file, unless the codestream is plainly of another family than the file says, as some
    archives leave it. Which of a family it is does not matter: the codestream says that itself.
    """
    from pydicom.uid import UID

    if stated is None or syntax not in _COMPRESSED:
        return syntax
    family, number = _FAMILIES[stated.codec]
    return syntax if syntax in family else UID(f"{_PREFIX}{number}")
