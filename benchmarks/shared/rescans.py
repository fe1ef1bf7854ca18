"""Rescans: new stacks of slices through the real volumes of a folder, so that the true position of a range
is known.

Each rescan is turned and shifted a little in the plane, has slices elsewhere and of another
distance, begins and ends elsewhere, and has other brightness and noise; its voxels are those of a real
scanner.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

LABEL = "range"
_LOW, _HIGH = 0.3, 0.7
"""The range that is to be found, as shares of the whole extent."""


def write_rescans(volumes: Path, folder: Path, n: int = 3) -> Path:
    """Write n rescans of each NIfTI volume of a folder, and the table of their range; return its path."""
    import nibabel

    lines = ["path,label"]
    for path in sorted(volumes.glob("*.nii*")):
        image = nibabel.as_closest_canonical(nibabel.load(path))
        values = np.asarray(image.dataobj, dtype=np.float32)
        values = values.reshape(*values.shape[:3], -1)[..., 0]
        zooms = [float(zoom) for zoom in image.header.get_zooms()[:3]]
        for scan in range(n):
            file = f"{path.name.partition('.')[0]}-{scan}.nii.gz"
            random = np.random.default_rng(abs(sum(map(ord, file))))
            stack, heights, step = _rescan(values, zooms, random)
            nibabel.save(nibabel.Nifti1Image(stack, np.diag([*zooms[:2], step, 1.0])), folder / file)
            extent = values.shape[2] * zooms[2]
            lines += [
                f"{file}#{number},{LABEL}"
                for number, height in enumerate(heights)
                if _LOW * extent <= height <= _HIGH * extent
            ]
    table = folder / "labels.csv"
    table.write_text("\n".join([*lines, ""]))
    return table


def _rescan(
    values: NDArray[np.float32], zooms: list[float], random: np.random.Generator
) -> tuple[NDArray[np.float32], list[float], float]:
    """Return a stack (x, y, slices), the heights of its slices, and the distance between them in mm."""
    extent = values.shape[2] * zooms[2]
    step = max(zooms[2], random.uniform(3.5, 5.5))
    heights = np.arange(random.uniform(0, 0.12) * extent, random.uniform(0.88, 1.0) * extent, step).tolist()
    angle, shift = random.uniform(-7, 7), random.uniform(-0.04, 0.04, 2) * values.shape[:2]
    gain, noise = random.uniform(0.8, 1.2), random.uniform(0.005, 0.02) * float(np.ptp(values))
    slices = []
    for height in heights:
        plane = values[:, :, min(int(height / zooms[2]), values.shape[2] - 1)]
        rows, cols = plane.shape
        turn = cv2.getRotationMatrix2D((cols / 2, rows / 2), angle, 1.0)
        turn[:, 2] += shift[::-1]
        turned = cv2.warpAffine(plane, turn, (cols, rows), borderMode=cv2.BORDER_REPLICATE)
        slices.append(gain * turned + random.normal(0, noise, turned.shape))
    return np.stack(slices, axis=2).astype(np.float32), heights, step
