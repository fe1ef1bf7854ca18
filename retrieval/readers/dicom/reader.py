"""DICOM: every frame of a file as a picture with its groups, spacing and metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...errors import PictureError
from ...picture import Picture, Pixels, Value
from ..kinds import Kind, with_kind
from ..slice_stacks import spell_normal
from ..source import DamagedFrame, Read, Source
from ..values import as_mask
from ..window import stretch
from .frames import Frame, Stored
from .geometry import macro, normal_of, position_of, spacing_of
from .grey import GreyScale
from .header import METADATA, any_issuer_of, element, groups_of, kind_of, metadata_of
from .lookup_table import palette_of
from .mosaic import Mosaic, unfold
from .opening import open_frames
from .terms import PHOTOMETRIC, term

_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOUR = ("RGB", "YBR_RCT", "YBR_ICT")  # of the latter two the decoders make RGB

_IN_GROUPS = (
    ("slice_thickness", "PixelMeasuresSequence", "SliceThickness"),
    ("kvp", "CTXRayDetailsSequence", "KVP"),
    ("laterality", "FrameAnatomySequence", "FrameLaterality"),
)
"""Tags that enhanced objects keep for each frame, older ones at the top; PS3.3 C.7.6.16.2, C.8.15.3."""
_RULES = {name: rule for name, _, rule in METADATA}


def read(source: Source) -> Iterator[Read]:
    """Yield the frames of a DICOM file; of a mosaic, its slices."""
    with open_frames(source) as sheet:
        kind = kind_of(sheet.dataset)
        stored = unfold(sheet) if kind is Kind.MOSAIC else sheet
        yield from with_kind(_frames(source, stored), kind)


def _frames(source: Source, stored: Stored | Mosaic) -> Iterator[Read]:
    groups = groups_of(stored.dataset, source.salt)
    metadata = {**metadata_of(stored.dataset, source.salt), **any_issuer_of(stored.dataset, source.salt)}
    show = GreyScale(stored, source.window)
    for frame in stored.frames(source.wanted(stored.n_frames)):
        try:
            yield (
                frame
                if isinstance(frame, DamagedFrame)
                else Picture(
                    pixels=as_mask(frame.values) if source.as_mask else _pixels(frame, stored, show),
                    id=source.frame_id(frame.number, stored.n_frames),
                    spacing=spacing_of(stored.dataset, frame.number),
                    groups=groups,
                    metadata={
                        **metadata,
                        **_of_groups(stored, frame.number, source.salt),
                        **_of_frame(stored, frame),
                    },
                )
            )
        except PictureError as error:  # such as colours that are not supported, in one frame of many
            yield DamagedFrame(frame.number, str(error))


def _of_groups(stored: Stored | Mosaic, number: int, salt: bytes) -> dict[str, Value]:
    """Return what the allow-list lets through of the functional groups of a frame."""
    values: dict[str, Value] = {}
    for name, sequence, keyword in _IN_GROUPS:
        holder = macro(stored.dataset, number, sequence)
        own = None if holder is stored.dataset else element(holder, keyword)
        if own is not None and (value := _RULES[name](own, salt)) is not None:
            values[name] = value
    return values


def _of_frame(stored: Stored | Mosaic, frame: Frame) -> dict[str, Value]:
    values: dict[str, Value] = {
        "rows": int(stored.options["rows"]),
        "cols": int(stored.options["columns"]),
        "frame": frame.number,
    }
    position = position_of(stored.dataset, frame.number, stored.n_frames)
    normal = normal_of(stored.dataset, frame.number)
    if position is None or normal is None:
        return values
    return {**values, "position": position, "normal": spell_normal(normal)}


def _pixels(frame: Frame, stored: Stored | Mosaic, show: GreyScale) -> Pixels:
    # PS3.3 C.7.6.3.1.2: three samples are colours, and the decoders have made RGB of YBR.
    if frame.values.ndim == 3:
        if frame.values.shape[2] != 3 or frame.photometric not in _COLOUR:
            raise PictureError(f"colours as {_known(frame)} are not supported; convert the file to RGB")
        return _rgb(frame.values, (1 << int(stored.options["bits_stored"])) - 1)
    if frame.photometric == "PALETTE COLOR":
        signed = stored.options.get("pixel_representation") == 1
        table = palette_of(stored.dataset, signed, stored.little_endian)
        return _rgb(table(frame.values), table.top)
    if frame.photometric not in _GREY:
        raise PictureError(f"grey levels as {_known(frame)} are not supported; convert the file")
    return show(frame)


def _known(frame: Frame) -> str:
    return term(frame.photometric, PHOTOMETRIC) or "a kind that the standard does not know"


def _rgb(values: Any, top: float) -> Pixels:
    return np.ascontiguousarray(stretch(values, (0.0, float(top))))
