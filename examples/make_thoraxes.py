"""Generate thorax volumes to try `semblance locate` with: `python examples/make_thoraxes.py FOLDER`.

Writes four volumes and a table that labels their slices with lung into FOLDER/labelled, and a fifth volume,
FOLDER/thorax.nii.gz, to be asked with. They are phantoms: simpler than people, in Hounsfield units.
"""

import csv
import sys
from pathlib import Path

import nibabel
import numpy as np

from benchmarks.shared.phantoms import Phantom, make_phantom

SPACING = 10.0
"""Millimetres between slices."""


def write(phantom: Phantom, path: Path) -> None:
    """Write a volume as NIfTI, with its spacing."""
    volume = phantom.values.transpose(2, 1, 0).astype(np.int16)
    nibabel.Nifti1Image(volume, np.diag([2.0, 2.0, SPACING, 1.0])).to_filename(path)


folder = Path(sys.argv[1])
(folder / "labelled").mkdir(parents=True, exist_ok=True)
with (folder / "labelled" / "labels.csv").open("w", newline="", encoding="utf-8") as file:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["path", "label"])
    for seed in range(4):
        phantom = make_phantom(seed, side=96, spacing=SPACING)
        write(phantom, folder / "labelled" / f"{seed}.nii.gz")
        table.writerows([f"{seed}.nii.gz#{z}", "lung"] for z in np.flatnonzero(phantom.has_lung))
asked = make_phantom(seed=4, side=96, spacing=SPACING)
write(asked, folder / "thorax.nii.gz")
print(f"lung in thorax.nii.gz: slices {asked.bottom} to {asked.top} of {len(asked.values)}")
