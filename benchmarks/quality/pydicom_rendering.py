"""Rendering by pydicom's own functions: what a frame should look like, independently of our readers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array

from retrieval.readers.window import Window

_RAMP = np.array([-1e12, 1e12])


@dataclass
class Rendering:
    """A DICOM file as pydicom renders it."""

    dataset: Any
    frames: Any
    """Stored values, (frames, rows, cols[, 3]); YBR is RGB. None if pydicom cannot decode them."""

    @property
    def kind(self) -> tuple[str, str]:
        """Return the names of the transfer syntax and of the photometric interpretation."""
        syntax = self.dataset.file_meta.get("TransferSyntaxUID", "none")
        return str(getattr(syntax, "name", syntax)), self.photometric

    @property
    def photometric(self) -> str:
        """Return the photometric interpretation, empty without one."""
        return str(self.dataset.get("PhotometricInterpretation", ""))

    @property
    def is_grey(self) -> bool:
        """Return whether a window applies."""
        return self.photometric.startswith("MONOCHROME")

    def holder(self, frame: int, sequence: str) -> Any:
        """Return what holds a functional group of a frame, else the dataset."""
        groups = list(self.dataset.get("PerFrameFunctionalGroupsSequence", []))[frame : frame + 1]
        groups += list(self.dataset.get("SharedFunctionalGroupsSequence", []))[:1]
        return next((g[sequence][0] for g in groups if g.get(sequence)), self.dataset)

    def values(self, frame: int) -> Any:
        """Return the modality values of a grey frame."""
        if self.dataset.get("ModalityLUTSequence") and "LUTData" in self.dataset.ModalityLUTSequence[0]:
            return apply_modality_lut(self.frames[frame], self.dataset)
        holder = self.holder(frame, "PixelValueTransformationSequence")
        slope, intercept = float(holder.get("RescaleSlope") or 1), float(holder.get("RescaleIntercept") or 0)
        return self.frames[frame] * np.float64(slope or 1) + intercept

    @property
    def has_voi(self) -> bool:
        """Return whether the file has a window or a VOI table."""
        holder = self.holder(0, "FrameVOILUTSequence")
        width = holder.get("WindowWidth")
        widths = [width] if isinstance(width, int | float) else list(width or [])
        return bool(holder.get("VOILUTSequence")) or bool(widths and float(widths[0]) > 0)

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest value of the file that is no padding."""
        parts = []
        for n in range(len(self.frames)):
            values, counted = self.values(n), self.counted(n)
            values = values if counted is None else values[counted]
            parts.append(values[np.isfinite(values)])
        all_values = np.concatenate(parts)
        low, high = float(all_values.min()), float(all_values.max())
        return (low, high) if low < high else (low - 1, high)

    @property
    def window(self) -> Window | None:
        """Return the window that ours is asked for: the file's own, else from lowest to highest value."""
        if not self.is_grey or self.has_voi:
            return None
        if self.frames is None:
            return Window("full") if int(self.dataset.get("BitsStored") or 16) > 8 else None
        low, high = self.limits
        return Window("", (low + high) / 2, high - low)

    def counted(self, frame: int) -> Any:
        """Return which pixels are no padding; None for all."""
        padding = self.dataset.get("PixelPaddingValue")
        if self.frames is None or padding is None or not self.is_grey:
            return None
        limit = self.dataset.get("PixelPaddingRangeLimit", padding)
        low, high = sorted((padding, limit))
        stored = self.frames[frame].astype(np.int64)
        inside = (stored >= low) & (stored <= high)
        return ~(inside | ((stored >= low + 65536) & (stored <= high + 65536)))

    def frame(self, number: int) -> Any:
        """Return float64 (rows, cols) or (rows, cols, 3) in [0, 1]; None without frames."""
        if self.frames is None:
            return None
        if self.photometric == "PALETTE COLOR":
            bits = 16 if int(self.dataset.RedPaletteColorLookupTableDescriptor[2]) > 8 else 8
            return apply_color_lut(self.frames[number], self.dataset)[..., :3] / ((1 << bits) - 1.0)
        if not self.is_grey:
            return self.frames[number] / ((1 << int(self.dataset.BitsStored)) - 1.0)
        shown = self._grey(number)
        shape = str(self.dataset.get("PresentationLUTShape", ""))
        is_white = self.photometric == "MONOCHROME1" or shape == "INVERSE"
        return 1 - shown if is_white else shown

    def _grey(self, number: int) -> Any:
        values = self.values(number)
        if not self.has_voi:
            low, high = self.limits
            return np.clip((values - low) / (high - low), 0, 1)
        holder = self.holder(number, "FrameVOILUTSequence")
        if holder.get("VOILUTSequence"):
            table = holder.VOILUTSequence[0]
            return apply_voi_lut(values.astype(np.int64), holder) / ((1 << int(table.LUTDescriptor[2])) - 1.0)
        complete = self._with_bits(holder)
        bottom, top = apply_voi_lut(_RAMP, complete)
        return (apply_voi_lut(values.astype(np.float64), complete) - bottom) / (top - bottom)

    def _with_bits(self, holder: Any) -> Any:
        """Return a functional group with what pydicom's windowing asks for besides."""
        copy = pydicom.Dataset()
        for keyword in ("BitsStored", "PixelRepresentation", "PhotometricInterpretation"):
            setattr(copy, keyword, self.dataset.get(keyword, 16 if keyword == "BitsStored" else 0))
        for keyword in ("WindowCenter", "WindowWidth", "VOILUTFunction"):
            if keyword in holder:
                setattr(copy, keyword, holder[keyword].value)
        if "BitsStored" not in self.dataset:  # of float pixels; PS3.3 C.11.2.1.3.2
            copy.VOILUTFunction = "LINEAR_EXACT"
        return copy


def render_file(path: Path) -> Rendering:
    """Return the rendering of a file, without frames if pydicom cannot decode them."""
    dataset = pydicom.dcmread(path, force=True)
    try:
        frames = pixel_array(dataset)
    except Exception:  # test files of pydicom are damaged in many ways
        return Rendering(dataset, None)
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    _native_palettes(dataset)
    return Rendering(dataset, frames if n_frames > 1 else frames[None])


def _native_palettes(dataset: Any) -> None:
    """pydicom reads palettes as words of this machine: swap those of big-endian files."""
    if dataset.original_encoding[1] is not False:
        return
    for colour in ("Red", "Green", "Blue"):
        keyword = f"{colour}PaletteColorLookupTableData"
        if keyword in dataset:
            words = np.frombuffer(dataset[keyword].value, dtype=">u2")
            dataset[keyword].value = words.astype("<u2").tobytes()
