"""A mark that is followed through slices: generated lesions of known extent in real chest volumes.

    python -m benchmarks.quality.through [--by NAME] [--mm MM] [--first SEED] [--seeds N] [--half LEAST MOST]
                                         [--data FOLDER] [--jobs N]

The settings were chosen on seeds 1, 2 and 3, and on 101 with ``--half 1 7``. Each volume of ``ct_chest`` gets
three lesions, one of each kind: a bright ball with grains, a ring around air, and a bundle of plates. Their
sizes, places and textures are drawn anew in each. The middle slice of each asks with a box around it, in all
volumes but its own, by the one slice and followed through the slices near it. P@1: the first hit is a slice
with a lesion of the same kind. The extent is that of hits that are right: the slices around one that are
like it; IoU with the slices that the lesion was drawn in. In each volume: the same for the best slice of
every other volume, where that is right. ``A+B`` fuses two representations.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.labelled_sets import DATA
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.region import Region
from retrieval.registry import make
from viewer.queries.followed_mark import FollowedMark
from viewer.queries.query import Query

KINDS = ("ball", "ring", "plates")
STEP = 5.0
"""Millimetres between slices, nominal: what is written."""
HALVES = 3, 5
"""Slices of a lesion above its middle one, and below it: at least, at most."""


@dataclass(frozen=True)
class Lesion:
    """What was drawn: its kind, the slices from and to, and its box in pixels (row, col, height, width)."""

    volume: str
    kind: str
    first: int
    last: int
    box: tuple[int, int, int, int]

    @property
    def middle(self) -> str:
        """The image of its middle slice."""
        return f"{self.volume}#{(self.first + self.last) // 2}"

    def __contains__(self, image: str) -> bool:
        volume, _, number = image.rpartition("#")
        return volume == self.volume and self.first <= int(number) <= self.last


def volumes(data: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the name and the values in Hounsfield units of each volume, (slices, rows, cols), feet first."""
    import pydicom

    for folder in sorted(path for path in (data / "ct_chest").iterdir() if path.is_dir()):
        slices = [pydicom.dcmread(path) for path in folder.iterdir()]
        slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
        values = [one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in slices]
        yield folder.name, np.stack(values).astype(np.float32)


def texture(kind: str, radius: float, rng: np.random.Generator, side: int) -> NDArray[np.float32]:
    """Return the values of one slice of a lesion, (side, side); NaN outside of it."""
    rows, cols = np.indices((side, side)) - (side - 1) / 2
    distance = np.hypot(rows, cols * rng.uniform(0.9, 1.1))
    grain = cv2.GaussianBlur(rng.normal(size=(side, side)), (0, 0), 1.2) * 500
    if kind == "ball":
        values = 60 + grain
    elif kind == "ring":
        values = np.where(distance < 0.55 * radius, -900.0, 90 + grain / 4)
    else:
        angle = rng.uniform(0.6, 0.9)
        values = np.where(np.sin((rows * np.cos(angle) + cols * np.sin(angle)) * 1.1) > 0, 180.0, -700.0)
    return np.where(distance <= radius, values, np.nan).astype(np.float32)


def drawn(
    name: str, values: NDArray[np.float32], seed: int, halves: tuple[int, int] = HALVES
) -> list[Lesion]:
    """Draw a lesion of each kind into a volume, in thirds of its height, and return them."""
    rng = np.random.default_rng([seed, sum(name.encode())])
    n, rows, cols = values.shape
    found = []
    for third, kind in enumerate(rng.permutation(KINDS).tolist()):
        half = int(rng.integers(halves[0], halves[1] + 1))
        middle = int(n * (0.2 + 0.3 * third)) + int(rng.integers(-3, 4))
        first, last = max(0, middle - half), min(n - 1, middle + half)
        largest = float(rng.uniform(14, 20))
        row, col = rng.integers(rows * 2 // 5, rows * 3 // 5), rng.integers(cols // 3, cols * 2 // 3)
        side = 2 * int(largest) + 3
        top, left = int(row) - side // 2, int(col) - side // 2
        for number in range(first, last + 1):
            radius = largest * np.sqrt(max(0.35, 1 - ((number - middle) / (half + 1)) ** 2))
            own = texture(kind, float(radius), rng, side)
            part = values[number, top : top + side, left : left + side]
            part[~np.isnan(own)] = own[~np.isnan(own)]
        found.append(Lesion(f"{name}.nii.gz", kind, first, last, (top, left, side, side)))
    return found


def write(values: NDArray[np.float32], path: Path) -> None:
    """Write a volume as NIfTI."""
    import nibabel

    affine = np.diag([-1.5, -1.5, STEP, 1.0])
    nibabel.save(nibabel.Nifti1Image(values.transpose(2, 1, 0).astype(np.int16), affine), path)


def trial(index: Index, lesions: list[Lesion], asked: Lesion, by: str, mm: float) -> dict[str, Any]:
    """Let one lesion ask by one slice and through several; return if each was right, and the extents' IoU."""
    from retrieval.index import QueryOptions

    others = [name for name in index.names if not name.startswith(asked.volume)]
    options = QueryOptions(by=by.split("+"), region=Region.box(*asked.box), among=others, k=1)
    (single,) = index.query(asked.middle, options)
    mark = FollowedMark.of(index, Query(asked.middle, known_as=asked.middle), options, mm)
    of_volumes = replace(mark, options=replace(mark.options, k=len(others))).hits()[0]
    best = {hit.id.rpartition("#")[0]: hit for hit in reversed(of_volumes)}.values()
    followed = of_volumes[0]
    like = {hit.id: one for hit in best for one in lesions if hit.id in one and one.kind == asked.kind}
    found = mark.extents([hit for hit in best if hit.id in like])
    ious = {name: overlap(found[name], own) for name, own in like.items()}
    return {
        "one": any(single.id in one and one.kind == asked.kind for one in lesions),
        "through": followed.id in like,
        "iou": ious.get(followed.id),
        "in each": list(ious.values()),
    }


def overlap(slices: tuple[str, str], lesion: Lesion) -> float:
    """Return the intersection over union of the slices from one to another with those of a lesion."""
    first, last = sorted(int(name.rpartition("#")[2]) for name in slices)
    both = max(0, min(last, lesion.last) - max(first, lesion.first) + 1)
    return both / (max(last, lesion.last) - min(first, lesion.first) + 1)


def row(name: str, found: list[dict[str, Any]]) -> str:
    """Return a row of the table."""
    ious = np.array([one["iou"] for one in found if one["iou"] is not None])
    each = [iou for one in found for iou in one["in each"]]
    shares = [100 * np.mean([one[how] for one in found]) for how in ("one", "through")]
    return (
        f"| {name} | {len(found)} | {shares[0]:.0f} | {shares[1]:.0f} | {ious.mean():.2f} "
        f"| {(ious >= 0.6).mean():.0%} of {len(ious)} | {np.mean(each):.2f} of {len(each)} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--by", action="append", help="representations [superpixel]")
    parser.add_argument("--mm", type=float, default=15.0)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--half", type=int, nargs=2, default=HALVES, metavar=("LEAST", "MOST"))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    ways = args.by or ["superpixel"]
    results: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for seed in range(args.first, args.first + args.seeds):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "volumes"
            folder.mkdir()
            lesions: list[Lesion] = []
            for name, values in volumes(args.data):
                lesions += drawn(name, values, seed, tuple(args.half))
                write(values, folder / f"{name}.nii.gz")
            with IndexWriter.create(Path(scratch) / "index") as index:
                for name in dict.fromkeys(name for way in ways for name in way.split("+")):
                    index.add_representation(make(name, {}))
                index.update([folder], jobs=args.jobs)
                for way in ways:
                    results[way] += [trial(index, lesions, one, way, args.mm) for one in lesions]
    print(
        f"| by | lesions | P@1, one slice | P@1, through {args.mm:g} mm | IoU of slices | at least 0.6 "
        "| IoU in each volume |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    for way, found in results.items():
        print(row(way, found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
