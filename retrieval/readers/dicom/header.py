"""Identity: what of a DICOM header may enter an index, and under which disguise."""

from __future__ import annotations

import math
from typing import Any

from ...picture import Value
from ..kinds import Kind, kind_of_dicom
from ..pseudonym import ANY_ISSUER, hashed

METADATA: tuple[tuple[str, str], ...] = (
    ("modality", "Modality"),
    ("body_part", "BodyPartExamined"),
    ("manufacturer", "Manufacturer"),
    ("model", "ManufacturerModelName"),
    ("slice_thickness", "SliceThickness"),
    ("kvp", "KVP"),
    ("view_position", "ViewPosition"),
    ("laterality", "ImageLaterality"),
    ("laterality", "Laterality"),
    ("photometric", "PhotometricInterpretation"),
    ("instance_number", "InstanceNumber"),
    ("image_type", "ImageType"),
)
"""The allow-list: the name in the index and the DICOM keyword. No names, dates, identifiers or
free descriptions. The readers add ``rows``, ``cols``, ``frame``, ``position`` (mm along the normal of the
slice), ``normal`` (that direction, three numbers with ``/`` between) and ``sop_class`` (the name of the kind
of object)."""

_GROUPS = (("series", "SeriesInstanceUID"), ("study", "StudyInstanceUID"))
_LONGEST = 64
_CODE = 16  # characters of a code string (CS), PS3.5 section 6.2
_CODES = {"Modality", "BodyPartExamined", "ViewPosition", "ImageLaterality", "Laterality", "ImageType"}


def groups_of(dataset: Any, salt: bytes) -> dict[str, str]:
    """Return the hashed ``series``, ``study`` and ``patient`` of a pydicom Dataset; what it lacks is absent.

    A patient is the PatientID together with its issuer, if one is named.
    """
    groups = {}
    for kind, keyword in _GROUPS:
        if uid := text_of(dataset, keyword):
            groups[kind] = hashed(salt, kind, uid)
    if patient := text_of(dataset, "PatientID"):
        issuer = text_of(dataset, "IssuerOfPatientID")
        groups["patient"] = hashed(salt, "patient", f"{patient}\x1f{issuer}" if issuer else patient)
    return groups


def any_issuer_of(dataset: Any, salt: bytes) -> dict[str, Value]:
    """Return the hash of the PatientID alone, as a tag, if an issuer is named; else nothing.

    It is what a file without an issuer, or a label table, gives for the same PatientID.
    """
    patient, issuer = text_of(dataset, "PatientID"), text_of(dataset, "IssuerOfPatientID")
    return {ANY_ISSUER: hashed(salt, "patient", patient)} if patient and issuer else {}


def kind_of(dataset: Any) -> Kind:
    """Return what a DICOM object is."""
    image_type = element(dataset, "ImageType") or ()
    values = [image_type] if isinstance(image_type, str) else list(image_type)
    return kind_of_dicom(
        text_of(dataset, "SOPClassUID"),
        text_of(dataset, "Modality").upper(),
        [str(value).strip().upper() for value in values],
        text_of(dataset, "SpecimenLabelInImage").upper() == "YES",
    )


def metadata_of(dataset: Any) -> dict[str, Value]:
    """Return the values that the allow-list lets through: text of at most 64 characters, finite numbers."""
    metadata: dict[str, Value] = {}
    for name, keyword in METADATA:
        value = _plain(element(dataset, keyword), keyword in _CODES)
        if value is not None and name not in metadata:
            metadata[name] = value
    if kind := _sop_class(dataset):
        metadata["sop_class"] = kind
    return metadata


def element(dataset: Any, keyword: str) -> Any:
    """Return the value of an element, None where it is missing, empty, or so damaged that it has none."""
    try:
        value = dataset.get(keyword)
    except Exception:  # pydicom converts on access, and a damaged element fails in many ways
        return None
    return None if value is None or value == "" else value


def text_of(dataset: Any, keyword: str) -> str:
    """Return the value of an element as text without outer blanks, empty where there is none."""
    value = element(dataset, keyword)
    return "" if value is None else str(value).strip(" \0\t\r\n")


def _plain(value: Any, is_code: bool) -> Value | None:
    if value is None:
        return None
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) or hasattr(value, "as_tuple"):  # DS may be a Decimal
        return float(value) if math.isfinite(float(value)) else None
    if not isinstance(value, str):  # several values
        value = "/".join(str(part) for part in value)
    text = "".join(c for c in value if c.isprintable()).strip()
    # A name that was typed into the wrong field: ^ parts names (PS3.5 section 6.2, PN), and codes are short.
    if "^" in text or (is_code and any(len(part.strip()) > _CODE for part in text.split("/"))):
        return None
    return text[:_LONGEST] or None


def _sop_class(dataset: Any) -> str:
    uid = element(dataset, "SOPClassUID")
    name = str(getattr(uid, "name", ""))
    return "" if name == str(uid) else name  # a private class has no name, and its UID stays outside
