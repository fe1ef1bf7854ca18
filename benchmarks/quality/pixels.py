"""Compare every DICOM frame of folders with an independent rendering, and print how far they are apart.

    python -m benchmarks.quality.pixels [FOLDER...]

Without a folder: ``../shared/data/dicom_odd`` if it is there, and the test files that pydicom installs. The
rendering is by pydicom's own functions (`pixel_array`, `apply_modality_lut`, `apply_voi_lut`,
`apply_color_lut`), and once more by dcmtk if its programs are installed. Differences are means over a frame,
in grey levels of 255; frames of a file without a window are shown from the lowest to the highest value of the
file. Pixels that the header calls padding are left out.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality.dcmtk_rendering import is_installed, render_by_dcmtk
from benchmarks.quality.pydicom_rendering import Rendering, render_file
from retrieval.errors import PictureError
from retrieval.readers import read_pictures
from retrieval.readers.folder import find_files

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LOSSY = ("JPEG Baseline", "JPEG Extended", "JPEG Spectral", "JPEG Full", "JPEG Lossless")
"""Names of transfer syntaxes whose decoders may round differently: those of JPEG itself."""
BOUND, LOSSY_BOUND = 0.01, 0.3


@dataclass
class Comparison:
    """A frame: mean absolute difference to pydicom and to dcmtk, of 255; None if they cannot render it."""

    file: str
    kind: tuple[str, str]
    by_pydicom: float | None
    by_dcmtk: float | None = None


def default_folders() -> list[Path]:
    """Return the folders that are compared if none is named."""
    import pydicom

    installed = Path(pydicom.__file__).parent / "data" / "test_files"
    return [folder for folder in (DATA / "dicom_odd", installed) if folder.is_dir()]


def compare_file(path: Path, name: str) -> Iterator[Comparison]:
    """Yield the frames of one file. Raise PictureError if it is not read."""
    rendering = render_file(path)
    for number, picture in enumerate(read_pictures(path, name, window=rendering.window)):
        frame = int(picture.metadata.get("frame", number))
        theirs = render_by_dcmtk(path, frame, rendering) if is_installed() else None
        yield Comparison(
            f"{name}#{frame}",
            rendering.kind,
            difference(picture.pixels, rendering.frame(frame), rendering, frame),
            difference(picture.pixels, theirs, rendering, frame),
        )


def difference(ours: Any, theirs: Any, rendering: Rendering, frame: int) -> float | None:
    """Return the mean absolute difference of two renderings, in grey levels of 255."""
    if theirs is None:
        return None
    if ours.shape != theirs.shape:
        return 255.0
    away = np.abs(ours.astype(np.float64) - theirs) * 255
    counted = rendering.counted(frame)
    return float((away if counted is None else away[counted]).mean())


def compare_folder(folder: Path, refused: Counter[str]) -> Iterator[Comparison]:
    """Yield the frames of a folder; count in ``refused`` what is not read, by name and reason."""
    for found in find_files(folder):
        try:
            yield from compare_file(found.path, found.name)
        except PictureError as error:
            if "no picture" not in str(error) and "without pixels" not in str(error):
                refused[" ".join(str(error).split())] += 1


def table(frames: list[Comparison]) -> Iterator[str]:
    """Yield the lines of a table: a row for each transfer syntax and photometric interpretation."""
    groups: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
    for frame in frames:
        groups[frame.kind].append(frame)
    yield "| transfer syntax | photometric interpretation | frames | pydicom: mean, max (frames) | dcmtk |"
    yield "|---|---|---|---|---|"
    for (syntax, photometric), members in sorted(groups.items()):
        cells = [_cell([m.by_pydicom for m in members]), _cell([m.by_dcmtk for m in members])]
        yield f"| {syntax} | {photometric} | {len(members)} | {cells[0]} | {cells[1]} |"


def _cell(values: list[float | None]) -> str:
    found = [value for value in values if value is not None]
    return f"{np.mean(found):.4f}, {max(found):.4f} ({len(found)})" if found else "–"


def far(frames: list[Comparison]) -> Iterator[str]:
    """Yield a line for each frame that is further from pydicom's rendering than its syntax allows."""
    for frame in frames:
        bound = LOSSY_BOUND if frame.kind[0].startswith(LOSSY) else BOUND
        if frame.by_pydicom is not None and frame.by_pydicom > bound:
            yield f"- {frame.file}: {frame.by_pydicom:.3f} ({frame.kind[0]}; dcmtk {frame.by_dcmtk})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for folder in arguments.folders or default_folders():
        refused: Counter[str] = Counter()
        frames = list(compare_folder(folder, refused))
        print(f"\n## {folder.name}: {len(frames)} frames\n")
        print("\n".join(table(frames)))
        beyond = list(far(frames))
        print(f"\nFurther than {LOSSY_BOUND} (JPEG) or {BOUND} (all else): {len(beyond)}")
        print("\n".join(beyond))
        print(f"\nNot read: {len(refused)}")
        print("\n".join(f"- {line}" for line in sorted(refused)))


if __name__ == "__main__":
    main()
