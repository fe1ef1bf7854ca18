"""Identity: what of a DICOM header may enter an index, and under which disguise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...picture import Value
from ..kinds import Kind, kind_of_dicom
from ..pseudonym import ANY_ISSUER, hashed
from .terms import BODY_PART, IMAGE_TYPE, LATERALITY, MODALITY, NOBODY, PHOTOMETRIC, VIEW, maker, term

Rule = Callable[[Any, bytes], Value | None]
"""Makes of a value of a header, and the salt, what an index may hold; None for nothing."""


def _one_of(terms: frozenset[str]) -> Rule:
    return lambda value, _: term(str(value), terms)


def _number(least: float, most: float) -> Rule:
    """Let a plausible number through: an eight-digit one is a date, or the number of a patient."""

    def rule(value: Any, _: bytes) -> Value | None:
        if not hasattr(value, "__float__") or not least <= float(value) <= most:  # NaN is not between
            return None
        return int(value) if isinstance(value, int) else float(value)

    return rule


def _types(value: Any, _: bytes) -> Value | None:
    parts = value.split("/") if isinstance(value, str) else list(value)
    return "/".join(known for part in parts if (known := term(str(part), IMAGE_TYPE))) or None


def _maker(value: Any, salt: bytes) -> Value | None:
    return maker(str(value)) or _model(value, salt)


def _model(value: Any, salt: bytes) -> Value | None:
    """Hash a name of which there is no list: two scanners are told apart, and nothing can be read."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split()).upper()
    return f"#{hashed(salt, 'scanner', text)}" if text else None


METADATA: tuple[tuple[str, str, Rule], ...] = (
    ("modality", "Modality", _one_of(MODALITY)),
    ("body_part", "BodyPartExamined", _one_of(BODY_PART)),
    ("manufacturer", "Manufacturer", _maker),
    ("model", "ManufacturerModelName", _model),
    ("slice_thickness", "SliceThickness", _number(0, 1000)),  # mm
    ("kvp", "KVP", _number(0, 1000)),  # kV
    ("view_position", "ViewPosition", _one_of(VIEW)),
    ("laterality", "ImageLaterality", _one_of(LATERALITY)),
    ("laterality", "Laterality", _one_of(LATERALITY)),
    ("photometric", "PhotometricInterpretation", _one_of(PHOTOMETRIC)),
    ("instance_number", "InstanceNumber", _number(-99_999, 99_999)),
    ("image_type", "ImageType", _types),
    ("burned_in", "BurnedInAnnotation", _one_of(frozenset({"YES", "NO"}))),
)
"""The allow-list: the name in the index, the DICOM keyword, and what of its values gets through. No names,
dates, identifiers or free descriptions. The readers add ``rows``, ``cols``, ``frame``, ``position`` (mm along
the normal of the slice), ``normal`` (that direction, three numbers with ``/`` between), ``sop_class`` (the
standard's name of the kind of object) and ``kind`` (``kinds.Kind``)."""

_GROUPS = (("series", "SeriesInstanceUID"), ("study", "StudyInstanceUID"))


def groups_of(dataset: Any, salt: bytes) -> dict[str, str]:
    """Return the hashed ``series``, ``study`` and ``patient`` of a pydicom Dataset; what it lacks is absent.

    A patient is the PatientID together with its issuer, if one is named. A word that programs write into the
    files of everybody, such as ANONYMOUS, is no PatientID: it would make one patient of all.
    """
    groups = {}
    for kind, keyword in _GROUPS:
        if uid := text_of(dataset, keyword):
            groups[kind] = hashed(salt, kind, uid)
    if patient := _patient_id(dataset):
        issuer = text_of(dataset, "IssuerOfPatientID")
        groups["patient"] = hashed(salt, "patient", f"{patient}\x1f{issuer}" if issuer else patient)
    return groups


def any_issuer_of(dataset: Any, salt: bytes) -> dict[str, Value]:
    """Return the hash of the PatientID alone, as a tag, if an issuer is named; else nothing.

    It is what a file without an issuer, or a label table, gives for the same PatientID.
    """
    patient, issuer = _patient_id(dataset), text_of(dataset, "IssuerOfPatientID")
    return {ANY_ISSUER: hashed(salt, "patient", patient)} if patient and issuer else {}


def _patient_id(dataset: Any) -> str:
    """Return the PatientID; empty if there is none, or a word or sign that stands for anybody."""
    patient = text_of(dataset, "PatientID")
    letters = "".join(c for c in patient.upper() if c.isalnum())
    return patient if letters and letters not in NOBODY else ""


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


def metadata_of(dataset: Any, salt: bytes = b"") -> dict[str, Value]:
    """Return the values that the allow-list lets through; the salt keys the hashes of scanners."""
    metadata: dict[str, Value] = {}
    for name, keyword, rule in METADATA:
        stored = element(dataset, keyword)
        value = None if stored is None else rule(stored, salt)
        if value is not None and name not in metadata:
            metadata[name] = value
    if kind := _sop_class(dataset):
        metadata["sop_class"] = kind
    return metadata


def admitted(metadata: Mapping[str, Value], salt: bytes) -> dict[str, Value]:
    """Return what today's allow-list lets through of tags that an older version let into an index."""
    rules = {name: rule for name, _, rule in METADATA}
    kept = {name: rules[name](value, salt) if name in rules else value for name, value in metadata.items()}
    return {name: value for name, value in kept.items() if value is not None}


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


def syntax_name(syntax: Any) -> str:
    """Return the standard's name of a transfer syntax, given as a UID of pydicom."""
    name = str(syntax.name)
    return "an unknown transfer syntax" if name == str(syntax) else f"transfer syntax {name}"


def _sop_class(dataset: Any) -> str:
    uid = element(dataset, "SOPClassUID")
    name = str(getattr(uid, "name", ""))
    return "" if name == str(uid) else name  # a private class has no name, and its UID stays outside
