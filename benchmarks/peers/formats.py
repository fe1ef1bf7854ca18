"""Print what becomes of every file in folders of odd pictures: frames, shape and range, or why not.

    python -m benchmarks.peers.formats [FOLDER...]

Without a folder: ``../shared/data/dicom_odd`` if it is there, and the test files that pydicom installs.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import pydicom

from retrieval.errors import PictureError
from retrieval.readers import NotAPictureError, read_pictures
from retrieval.readers.folder import FoundFile, find_files
from retrieval.readers.window import Window


def default_folders() -> list[Path]:
    installed = Path(pydicom.__file__).parent / "data" / "test_files"
    shared = Path(__file__).resolve().parents[3] / "shared" / "data" / "dicom_odd"
    return [folder for folder in (shared, installed) if folder.is_dir()]


def describe(found: FoundFile, window: Window) -> tuple[str, str]:
    """Return the outcome (``read``, ``skipped`` or ``refused``) and a line about it."""
    shapes, lowest, highest = [], 1.0, 0.0
    try:
        for picture in read_pictures(found.path, found.name, window=window):
            shapes.append("×".join(str(n) for n in picture.pixels.shape))
            lowest = min(lowest, float(picture.pixels.min()))
            highest = max(highest, float(picture.pixels.max()))
    except NotAPictureError as error:
        return "skipped", str(error).removeprefix(f"{found.name}: ")
    except PictureError as error:
        return "refused", str(error).removeprefix(f"{found.name}: ")
    return "read", f"{len(shapes):4d}  {shapes[0]:>12}  {lowest:.3f} to {highest:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--window", type=Window.parse, default=Window())
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    start = time.perf_counter()
    for folder in arguments.folders or default_folders():
        print(f"\n{folder.name}: frames, shape and range of the pictures, or why there are none")
        for found in find_files(folder, report=print):
            outcome, line = describe(found, arguments.window)
            counts[outcome] += 1
            print(f"{outcome:8}{found.name[-44:]:46}{line}")
    print(f"\n{dict(counts)} in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
