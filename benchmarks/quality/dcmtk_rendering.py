"""Rendering by dcmtk: dcmj2pnm and dcml2pnm, as a third opinion on what a frame looks like."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.quality.pydicom_rendering import Rendering


def is_installed() -> bool:
    """Return whether dcmtk is there."""
    return shutil.which("dcmj2pnm") is not None and shutil.which("dcml2pnm") is not None


def render_by_dcmtk(path: Path, frame: int, rendering: Rendering) -> Any:
    """Return float64 (rows, cols) or (rows, cols, 3) in [0, 1], of 256 levels; None if dcmtk cannot."""
    program = "dcml2pnm" if rendering.kind[0].startswith("JPEG-LS") else "dcmj2pnm"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "frame.pnm"
        command = [program, "-q", "-O", "+F", str(frame + 1), *_window(rendering, frame), "+op"]
        done = subprocess.run(
            [*command, str(path), str(target)], capture_output=True, timeout=60, check=False
        )
        values = cv2.imread(str(target), cv2.IMREAD_UNCHANGED) if done.returncode == 0 else None
    if values is None:
        return None
    ordered = values[..., ::-1] if values.ndim == 3 else values
    return ordered.astype(np.float64) / 255


def _window(rendering: Rendering, frame: int) -> list[str]:
    if not rendering.is_grey:
        return []
    if not rendering.has_voi and rendering.frames is None:
        return ["+Wm"] if int(rendering.dataset.get("BitsStored") or 16) > 8 else []
    if not rendering.has_voi:
        low, high = rendering.limits
        # dcmtk's windows are those of PS3.3 C.11.2.1.2.1: one less wide, half a value further down.
        return ["+Ww", str((low + high) / 2 + 0.5), str(high - low + 1)]
    holder = rendering.holder(frame, "FrameVOILUTSequence")
    return ["+Wl", "1"] if holder.get("VOILUTSequence") else ["+Wi", "1"]
