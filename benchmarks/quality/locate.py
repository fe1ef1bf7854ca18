"""Print how well the range of a part of the body is located in volumes, words against deep embeddings.

    python -m benchmarks.quality.locate [FOLDER --labels CSV --range LABEL] [--by NAME]...
        [--phantoms N] [--jobs N]
    python -m benchmarks.quality.locate --rescans FOLDER

Each volume asks once, and all others are the labelled ones. The error is that of the lower and of the upper
end, in mm and in slices of 5 mm; the interval of the median is a bootstrap over volumes, 1,000 draws.
Without a FOLDER the volumes are generated thorax phantoms (``benchmarks.shared.phantoms``), whose lungs have
a known extent. With one, the slices of the range carry LABEL in the table (``volume.nii.gz#12,lung``), as
``semblance index --labels`` takes it. With ``--rescans`` they are three new stacks of slices through each
real volume of a folder (``benchmarks.shared.rescans``), and the range is its middle.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.shared.phantoms import Phantom, make_phantom
from benchmarks.shared.rescans import LABEL, write_rescans
from retrieval.errors import SettingError
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.readers.slice_stacks import Slice, find_stacks
from retrieval.registry import make

SLICE = 5.0
"""Millimetres of the slices that errors are counted in."""

WORDS = ("superpixel", "dense")


@dataclass(frozen=True)
class Trial:
    """Result of one volume: errors of both ends in mm, the agreement, and whether it was certain."""

    volume: str
    bottom: float
    top: float
    agreement: float
    is_certain: bool


def write_phantoms(folder: Path, n: int) -> Path:
    """Write n phantoms as NIfTI files, and the table of the slices that show lung; return its path."""
    lines = ["path,label"]
    for number in range(n):
        phantom = make_phantom(number)
        file = f"phantom{number:02d}.nii.gz"
        write_volume(phantom, folder / file)
        lines += [f"{file}#{i},lung" for i in np.flatnonzero(phantom.has_lung)]
    table = folder / "labels.csv"
    table.write_text("\n".join([*lines, ""]))
    return table


def write_volume(phantom: Phantom, path: Path) -> None:
    """Write a phantom as NIfTI; its rows run to the back and its columns to the patient's left."""
    import nibabel

    values = phantom.values[:, ::-1, ::-1].transpose(2, 1, 0)
    affine = np.diag([2.5, 2.5, phantom.spacing, 1.0])
    nibabel.save(nibabel.Nifti1Image(values.astype(np.int16), affine), path)


def volumes(index: Index) -> Iterator[list[Slice]]:
    """Yield the stacks of an index, each in order."""
    slices = [Slice.of(e.name, e.groups, e.metadata, e.shape) for e in index.pictures()]
    for stack in find_stacks(slices):
        if slices[stack[0]].height is not None and len(stack) > 1:
            yield [slices[i] for i in stack]


def trials(index: Index, label: str, by: Sequence[str]) -> list[Trial]:
    """Let every volume that has the range ask the others."""
    found = []
    for stack in volumes(index):
        heights = [slice.height or 0.0 for slice in stack]
        names = [slice.name for slice in stack]
        own = [h for h, name in zip(heights, names, strict=True) if label in index.picture(name).labels]
        if len(own) < 2:
            continue
        try:
            located = index.locate_range(names, heights, label, by=by)
        except SettingError as error:
            print(error, file=sys.stderr)
            continue
        errors = (abs(located.range.bottom - min(own)), abs(located.range.top - max(own)))
        found.append(Trial(names[0], *errors, located.range.agreement, located.range.is_certain))
    return found


def line(name: str, found: Sequence[Trial], seconds: float) -> str:
    """Return one line of the table."""
    errors = np.array([(t.bottom, t.top) for t in found]) / SLICE
    random = np.random.default_rng(0)
    draws = [np.median(errors[random.integers(len(errors), size=len(errors))]) for _ in range(1000)]
    low, high = np.quantile(draws, [0.025, 0.975])
    within, ends = np.mean(errors <= 2), np.median(errors, axis=0)
    return (
        f"| {name} | {len(found)} | {np.median(errors):.2f} | {low:.2f} to {high:.2f} | {ends[0]:.2f} "
        f"| {ends[1]:.2f} | {errors.max():.1f} | {within:.0%} "
        f"| {np.mean([t.is_certain for t in found]):.0%} | {seconds / max(len(found), 1):.1f} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, help="labelled volumes [generated phantoms]")
    parser.add_argument("--labels", type=Path, help="the table of labelled slices [labels.csv in the folder]")
    parser.add_argument("--range", default="lung")
    parser.add_argument("--by", action="append", help="representations [superpixel, dense, deep]")
    parser.add_argument("--phantoms", type=int, default=13)
    parser.add_argument("--rescans", type=Path, metavar="FOLDER", help="new slices through its real volumes")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--verbose", action="store_true", help="a line for each volume as well")
    args = parser.parse_args()
    names = args.by or [*WORDS, "deep"]
    with tempfile.TemporaryDirectory() as scratch:
        folder, table = args.folder, args.labels
        if folder is None:
            (folder := Path(scratch) / "volumes").mkdir()
            if args.rescans is None:
                table = write_phantoms(folder, args.phantoms)
            else:
                table, args.range = write_rescans(args.rescans, folder), LABEL
        with IndexWriter.create(Path(scratch) / "index") as index:
            for name in names:
                index.add_representation(make(name))
            index.update([folder], jobs=args.jobs, labels=LabelTable.read(table or folder / "labels.csv"))
            together = [list(WORDS)] if set(WORDS) < set(names) else []
            rows = [*([name] for name in names), *together, *([names] if len(names) > 1 else [])]
            print(
                "| by | volumes | median error, slices of 5 mm | 95 % interval | lower | upper | worst "
                "| within 2 slices | certain | s a volume |"
            )
            print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
            for by in rows:
                start = time.perf_counter()
                found = trials(index, args.range, by)
                print(line("+".join(by), found, time.perf_counter() - start), flush=True)
                for trial in found if args.verbose else ():
                    print(f"  {trial}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
