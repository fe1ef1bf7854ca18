"""What frames without contrast are worth, and points that follow structure or count by it.

    python -m benchmarks.quality.points_and_structure [SET...] [--settings] [--most 150] [--seeds 2]

The contrast of a frame is the standard deviation of the grey levels, 0 to 1, in all that its descriptor
sees. ``from 0.02``: frames of less give no word, neither in the vocabulary nor in a bag; an image that has
no others keeps them. Bags of 1,024 words of 400 points, no tone, means over the seeds of the vocabulary.
``deep`` pools no place that is blank within 11 × 11 pixels of the square that it sees. Each image asks, its
own patient, lesion or group left out; brain images by points on the body alone, as their background gives
classes away. Percent; differences from all frames of the same kind, those of smaller frames from
``superpixel``; paired randomisation tests by group, p adjusted by Holm over the rows of a set and measure.
With ``--settings``: the settings of detectors and bags that are off by default, each against none of them,
and the share of the points of brain images, not masked, that are on the body.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import bovw
from benchmarks.quality.bundled_embedder import centred
from benchmarks.quality.defaults import unit
from benchmarks.shared.descriptors_of_sets import Described
from benchmarks.shared.labelled_sets import DATA, Item, Set, drawn
from benchmarks.shared.leave_one_out import judged, one_thread
from bovw.descriptors.frames import frame_patches
from bovw.descriptors.point_amounts import EXTENT
from bovw.keypoints import Keypoints
from bovw.scale_space import Pyramid
from deep import deep
from deep.networks.preprocessing import prepare
from deep.networks.symmetric_embedding import SymmetricEmbedding
from retrieval.statistics.fisher_exact import holm
from retrieval.statistics.paired_tests import randomisation_test
from retrieval.statistics.pca import Pca

SETS = ("ultrasound3", "brain4", "skin7", "cxr3", "histology5", "wbc5")
BACKGROUND = ("brain4",)
"""Sets that are measured on the body alone."""
KINDS: Mapping[str, Mapping[str, Any]] = {
    "superpixel": {},
    "superpixel, 0.7 of the frame": {"scale_factor": 0.28},
    "superpixel, half of the frame": {"scale_factor": 0.2},
    "dense": {},
    "sift": {},
}
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "superpixel": {},
    "superpixel, median of 3": {"median": 3},
    "superpixel, median of 5": {"median": 5},
    "superpixel, density by structure": {"density": "structure"},
    "superpixel, weighed by gradient": {"weigh_points": "gradient"},
    "superpixel, weighed by strength": {"weigh_points": "strength"},
    "dense": {},
    "dense, weighed by gradient": {"weigh_points": "gradient"},
    "dense, weighed by strength": {"weigh_points": "strength"},
    "sift": {},
    "sift, weighed by gradient": {"weigh_points": "gradient"},
    "sift, weighed by strength": {"weigh_points": "strength"},
}
CONTRASTS = (0.0, 0.005, 0.02, 0.05)
"""The least contrast of a frame that gives a word; 0 takes all."""
WORDS = 1024
_SAMPLES, _NEAR = 16, 11
"""Along a frame; and pixels that make a place of ``deep`` blank."""

Row = tuple[str, float]
"""A kind, and the least contrast of its frames."""
Measures = NDArray[np.float64]
"""Average precision and P@1 of each query, (2, n), and NaN without an answer."""


def contrasts(grey: NDArray[np.float32], points: Keypoints) -> NDArray[np.float32]:
    """Return the deviation of the grey levels in each frame, float32 (n,)."""
    patches = frame_patches(Pyramid(grey), points, _SAMPLES, EXTENT, EXTENT / _SAMPLES / 2)
    found: NDArray[np.float32] = patches.reshape(len(points), -1).std(axis=1)
    return found


def described(kind: str, masked: bool, items: Sequence[Item]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield the descriptors of each image, float16 (n, d), and the contrasts of their frames, (n,)."""
    bag = getattr(bovw, _detector(kind))(**KINDS[kind], tone_words=0, foreground_only=masked)
    for item in items:
        picture = item.read()
        features = bag.extractor.extract(picture)
        small, factor = picture.fit_within(bag.chosen.longest_side)
        yield (
            features.shape_descriptors.astype(np.float16),
            contrasts(small.grey, features.keypoints.rescaled(factor)),
        )


def of_bags(shapes: Sequence[NDArray[Any]], data: Set, seeds: int) -> Measures:
    """Return the measures of bags of some descriptors, means over the seeds."""
    chosen, together = bovw.superpixel().chosen, np.concatenate(shapes)
    reduced = Pca(chosen.components, chosen.whitening).fit(together).transform(together)
    nothing, nan = np.empty((0, 0)), float("nan")
    held = Described(reduced, np.array([len(own) for own in shapes]), nothing, nan, nan, nan)
    return held.measures(data, WORDS, seeds)


def by_words(seeds: int, data: Set) -> dict[Row, tuple[float, Measures]]:
    """Return for each kind and contrast the share of frames that is left out, and the measures."""
    one_thread()
    found: dict[Row, tuple[float, Measures]] = {}
    for kind in KINDS:
        held = list(described(kind, data.name in BACKGROUND, data.items))
        for least in CONTRASTS:
            kept = [seen >= least if (seen >= least).any() else seen >= 0 for _, seen in held]
            shapes = [own[mask] for (own, _), mask in zip(held, kept, strict=True)]
            found[kind, least] = (1 - float(np.concatenate(kept).mean()), of_bags(shapes, data, seeds))
    return found


def by_settings(seeds: int, data: Set) -> dict[Row, tuple[float, Measures]]:
    """Return for each setting the share of points that are not on the body, and the measures."""
    one_thread()
    masked, found = data.name in BACKGROUND, {}
    for kind, settings in SETTINGS.items():
        name, own = _detector(kind), {**settings, "tone_words": 0}
        held = Described.of(name, {**own, "foreground_only": masked}, data.items)
        # Of masked images all points are on the body.
        whole = Described.of(name, own, data.items) if masked else held
        found[kind, 0.0] = 1 - whole.on_body, held.measures(data, WORDS, seeds)
    return found


def by_deep(data: Set) -> dict[Row, tuple[float, Measures]]:
    """Return the same of embeddings whose levels are pooled over places that are not blank."""
    made = deep()
    made.load()
    embedding = SymmetricEmbedding(made.network_.runner, made.chosen.symmetries)
    squares = [prepare(item.read(), made.side) for item in data]
    found: dict[Row, tuple[float, Measures]] = {}
    for least in CONTRASTS:
        shares = [_not_blank(square, least) for square in squares]
        rows = np.concatenate(
            [embedding.embed(s[None], w[None]) for s, w in zip(squares, shares, strict=True)]
        )
        rows = unit(centred(rows))
        left_out = 1 - float(np.mean(shares))
        found["deep", least] = left_out, np.array(judged(rows @ rows.T, data)[:2])
    return found


def _not_blank(square: NDArray[np.uint8], least: float) -> NDArray[np.float32]:
    """Return 1 for each place whose surroundings have the contrast, else 0; all 1 if none has."""
    grey = square.mean(axis=0, dtype=np.float32) / 255
    size = (_NEAR, _NEAR)
    variance = np.asarray(cv2.blur(grey * grey, size)) - np.asarray(cv2.blur(grey, size)) ** 2
    there = np.sqrt(np.maximum(variance, 0)) >= least
    return there.astype(np.float32) if there.any() else np.ones_like(grey)


def beside(row: Row) -> Row | None:
    """Return the row that a row is compared with; None for those that others are compared with."""
    kind, least = row
    other = (kind if least else _detector(kind)), 0.0
    return None if other == row else other


def _detector(kind: str) -> str:
    return kind.partition(",")[0]


def differences(data: Set, found: Mapping[Row, tuple[float, Measures]]) -> dict[Row, str]:
    """Return the differences of mAP and of P@1 of each row from the one that it is compared with."""
    pairs = {row: other for row in found if (other := beside(row)) is not None}
    cells: dict[Row, list[str]] = {row: [] for row in pairs}
    for measure in (0, 1):
        apart = [100 * (found[row][1][measure] - found[other][1][measure]) for row, other in pairs.items()]
        ps = holm([randomisation_test(values, data.groups) for values in apart]).tolist()
        for row, values, p in zip(pairs, apart, ps, strict=True):
            mean = f"{np.nanmean(values):+.1f}"
            cells[row].append(f"**{mean}**" if p < 0.05 else mean)
    return {row: ", ".join(both) for row, both in cells.items()}


def print_measures(names: Sequence[str], results: Sequence[Mapping[Row, tuple[float, Measures]]]) -> None:
    """Print mAP / P@1 of each row on each set, and their means over the sets."""
    print(f"| mAP / P@1 | frames | {' | '.join(names)} | mean |\n|---|---|{'--:|' * (len(names) + 1)}")
    for row in results[0]:
        means = np.array([100 * np.nanmean(found[row][1], axis=1) for found in results])
        cells = [f"{values[0]:.1f} / {values[1]:.1f}" for values in (*means, means.mean(axis=0))]
        print(f"| {row[0]} | {_frames(row)} | {' | '.join(cells)} |")


def print_differences(
    names: Sequence[str],
    results: Sequence[Mapping[Row, tuple[float, Measures]]],
    apart: Sequence[Mapping[Row, str]],
) -> None:
    """Print how far each row is from its own, and which share of the frames it leaves out."""
    print(f"\n| mAP, P@1 | frames | {' | '.join(names)} |\n|---|---|{'--:|' * len(names)}")
    for row in apart[0]:
        cells = [said[row] for said in apart]
        if row[1]:
            shares = [found[row][0] for found in results]
            cells = [f"{100 * share:.0f} % out, {cell}" for share, cell in zip(shares, cells, strict=True)]
        print(f"| {row[0]} | {_frames(row)} | {' | '.join(cells)} |")


def _frames(row: Row) -> str:
    return f"from {row[1]}" if row[1] else "all"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", default=list(SETS))
    parser.add_argument("--settings", action="store_true", help="measure settings, not blank frames")
    parser.add_argument("--most", type=int, default=150, help="pictures of a set, drawn at random; 0: all")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--data", type=Path, default=DATA)
    args = parser.parse_args()
    sets = [drawn(Set.load(name, args.data), args.most) for name in args.sets]
    with ProcessPoolExecutor(args.jobs) as pool:
        results = list(pool.map(partial(by_settings if args.settings else by_words, args.seeds), sets))
    if not args.settings:
        results = [{**found, **by_deep(data)} for found, data in zip(results, sets, strict=True)]
    apart = [differences(data, found) for data, found in zip(sets, results, strict=True)]
    print_measures([data.name for data in sets], results)
    print_differences([data.name for data in sets], results, apart)
    for data, found in zip(sets, results, strict=True):
        if args.settings and data.name in BACKGROUND:
            shares = (f"{kind} {100 * (1 - left_out):.0f} %" for (kind, _), (left_out, _) in found.items())
            print(f"\nPoints on the body of {data.name}: {', '.join(shares)}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
