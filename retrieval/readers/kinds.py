"""The kinds of files: what an image file is, and whether an index takes it; one place for all formats.

Only images of patients answer the question "what looks like this": a segmentation, a dose or a map of values
has the shape of an image without being one, and the label of a slide may show a name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import StrEnum

from ..errors import SettingError
from ..picture import Picture
from .source import PassedOverError, Read

_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


class Kind(StrEnum):
    """What a file is."""

    IMAGE = "image"
    LOCALIZER = "localizer"
    SCREEN_CAPTURE = "screen capture"
    MOSAIC = "mosaic"
    SEGMENTATION = "segmentation"
    DOSE = "dose"
    MAP = "parametric map"
    LEVEL = "lower level of a slide"
    LABEL = "label of a slide"
    TILE = "part of a slide"


ALSO = {"seg": Kind.SEGMENTATION, "dose": Kind.DOSE, "map": Kind.MAP, "level": Kind.LEVEL}
"""What an index passes over unless it is asked for by these names."""

_ALIASES = {"rtdose": "dose", "pm": "map", "segmentation": "seg"}

# PS3.4 table B.5-1; the value is the part of the UID behind 1.2.840.10008.5.1.4.1.1.
_SOP_CLASSES = {
    "66.4": Kind.SEGMENTATION,  # Segmentation
    "66.5": Kind.SEGMENTATION,  # Surface Segmentation
    "66.7": Kind.SEGMENTATION,  # Label Map Segmentation
    "66.8": Kind.SEGMENTATION,  # Height Map Segmentation
    "481.2": Kind.DOSE,  # RT Dose
    "30": Kind.MAP,  # Parametric Map
    "77.1.5.5": Kind.MAP,  # Ophthalmic Thickness Map
    "82.1": Kind.MAP,  # Corneal Topography Map
}
_MODALITIES = {"SEG": Kind.SEGMENTATION, "RTDOSE": Kind.DOSE}
_SLIDE_FLAVOURS = {
    "LABEL": Kind.LABEL,
    "OVERVIEW": Kind.LABEL,
    "LOCALIZER": Kind.LABEL,  # the overview, in older slides
    "THUMBNAIL": Kind.LEVEL,
}


def also_named(names: Collection[str]) -> frozenset[str]:
    """Return what ``--also`` names, as keys of ``ALSO``. Raise SettingError for anything else."""
    found = {_ALIASES.get(name.lower(), name.lower()) for name in names}
    if unknown := sorted(found - ALSO.keys()):
        raise SettingError(f"also: {unknown[0]!r} is not known; give one of {', '.join(ALSO)}")
    return frozenset(found)


def kind_of_dicom(sop_class: str, modality: str, image_type: Sequence[str], shows_label: bool) -> Kind:
    """Return the kind of a DICOM object.

    Parameters
    ----------
    sop_class, modality : the UID and the code; empty if unknown.
    image_type : the values of ImageType, in capitals.
    shows_label : whether SpecimenLabelInImage says YES.
    """
    if found := _SOP_CLASSES.get(sop_class.removeprefix("1.2.840.10008.5.1.4.1.1.")):
        return found
    if found := _MODALITIES.get(modality):
        return found
    # A photograph of glass (GM, XC) may show its label as well.
    if modality == "SM" or sop_class == _SLIDE or shows_label:
        return _kind_of_slide(image_type, shows_label)
    flavours = set(image_type[2:])
    if "MOSAIC" in flavours:
        return Kind.MOSAIC
    if flavours & {"LOCALIZER", "SCOUT"}:
        return Kind.LOCALIZER
    return Kind.SCREEN_CAPTURE if flavours & {"SCREEN SAVE", "SCREENSHOT", "REPORT"} else Kind.IMAGE


def _kind_of_slide(image_type: Sequence[str], shows_label: bool) -> Kind:
    """PS3.3 C.8.12.4.1.1: value 3 is VOLUME, LABEL, OVERVIEW or THUMBNAIL, value 4 tells resampled levels."""
    found = next((_SLIDE_FLAVOURS[value] for value in image_type if value in _SLIDE_FLAVOURS), None)
    if shows_label and found is not Kind.LABEL and "VOLUME" not in image_type:
        return Kind.LABEL
    return found or (Kind.LEVEL if "RESAMPLED" in image_type[3:] else Kind.IMAGE)


def kind_of_nrrd(pairs: Collection[str]) -> Kind:
    """Return the kind of an NRRD file by its key/value pairs: 3D Slicer describes each segment in some."""
    # Segment0_ID:=Segment_1, Segmentation_ConversionParameters:=…
    is_segmentation = any(re.match(r"segment(\d+|ation)_", pair, re.IGNORECASE) for pair in pairs)
    return Kind.SEGMENTATION if is_segmentation else Kind.IMAGE


def kind_of_nifti(intent: int) -> Kind:
    """Return the kind of a NIfTI volume by its intent code, nifti1.h: 2 to 24 are statistics, 1002 labels."""
    if intent == 1002:
        return Kind.SEGMENTATION
    return Kind.MAP if 2 <= intent <= 24 or intent in (1001, 1005, 1006, 1007) else Kind.IMAGE


def with_kind(items: Iterable[Read], kind: Kind = Kind.IMAGE) -> Iterator[Read]:
    """Yield frames with their kind among their tags, unless it is there."""
    for item in items:
        if isinstance(item, Picture) and "kind" not in item.metadata:
            item = item.with_metadata(kind=str(kind))
        yield item


def check_wanted(kind: Kind, also: Collection[str] | None) -> None:
    """Raise PassedOverError for a kind that the caller does not want.

    Parameters
    ----------
    also : keys of ``ALSO``; None takes every kind but the label of a slide, which nobody is shown.
    """
    if kind is Kind.LABEL:
        raise PassedOverError("passed over: the label or overview of a slide, which may show a name")
    name = next((name for name, optional in ALSO.items() if optional is kind), None)
    if also is not None and name is not None and name not in also:
        what = kind if kind is Kind.LEVEL else f"{kind}, no image of a patient"
        raise PassedOverError(f"passed over: a {what}; index it with --also {name}")
