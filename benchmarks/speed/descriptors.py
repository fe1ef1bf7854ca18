"""Compare our SIFT with OpenCV's: how well they agree at the same frames, and how fast each is.

    python benchmarks/speed/descriptors.py [IMAGE...]

Without images, scikit-image's bundled ones are used. Grey, cut to 512 × 512 pixels at most, single thread.
OpenCV is asked twice: with octave and layer packed into each keypoint, so that it reads the level of its
pyramid that suits the scale; and with both unset, as code is commonly written, so that it reads every pixel
of the finest.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bovw.descriptors import RootSift
from bovw.keypoints import Keypoints

Bytes = NDArray[np.uint8]
SCALES = (1.0, 1.7, 3.0, 6.0, 12.0, 25.0)
POINTS = 400
REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", nargs="*", type=Path, metavar="IMAGE")
    pictures = pictures_of(parser.parse_args().images)
    cv2.setNumThreads(1)
    print(f"{len(pictures)} pictures, {POINTS} random frames each\n")
    print_agreement(pictures)
    print_speed(pictures)


def pictures_of(paths: Sequence[Path]) -> list[Bytes]:
    if paths:
        read = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in paths]
    else:
        from skimage import data

        colour = [data.immunohistochemistry(), data.retina()[400:, 400:], data.astronaut()]
        read = [data.camera(), *(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in colour)]
    return [np.ascontiguousarray(image[:512, :512]) for image in read]


def print_agreement(pictures: Sequence[Bytes]) -> None:
    print("Agreement with OpenCV's SIFT, cosine: mean (5th percentile)")
    print(f"{'σ, px':>6} {'upright':>16} {'rotated':>16}")
    for scale in SCALES:
        columns = [agreement(pictures, scale, upright) for upright in (True, False)]
        print(f"{scale:6g}", *(f"{c.mean():8.4f} ({np.percentile(c, 5):.3f})" for c in columns))


def agreement(pictures: Sequence[Bytes], scale: float, upright: bool) -> NDArray[np.float32]:
    """Return the cosine of each frame's two descriptors, if neither is zero."""
    ours, theirs = [], []
    for seed, picture in enumerate(pictures):
        keypoints = random_frames(picture, np.array([scale]), upright, seed)
        ours.append(RootSift(root=False).describe(as_float(picture), keypoints))
        theirs.append(cv2.SIFT_create().compute(picture, opencv_points(keypoints, packed=True))[1])
    a, b = np.concatenate(ours), np.concatenate(theirs)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return ((a * b).sum(axis=1) / np.maximum(lengths, 1e-9))[lengths > 0]


def print_speed(pictures: Sequence[Bytes]) -> None:
    print("\nDescriptors a second, thousands, pyramid included: median over pictures and repeats")
    print(f"{'σ, px':>10} {'ours':>8} {'packed':>8} {'unset':>8} {'× packed':>9} {'× unset':>9}")
    for scales in ((1.7, 3.0), (6.0, 12.0), (25.0,)):
        ours, packed, unset = np.median(timings(pictures, scales), axis=0)
        rates = (f"{POINTS / 1000 / s:8.1f}" for s in (ours, packed, unset))
        print(f"{', '.join(map(str, scales)):>10}", *rates, f"{packed / ours:9.1f} {unset / ours:9.1f}")


def timings(pictures: Sequence[Bytes], scales: Sequence[float]) -> NDArray[np.float64]:
    """Return seconds (runs, 3): ours, OpenCV packed, OpenCV unset, one after the other in each run."""
    rows = []
    for seed, picture in enumerate(pictures):
        keypoints = random_frames(picture, np.array(scales), True, seed)
        runs = [partial(RootSift().describe, as_float(picture), keypoints)]
        for packed in (True, False):
            runs.append(partial(cv2.SIFT_create().compute, picture, opencv_points(keypoints, packed)))
        runs[0]()  # compiles
        rows += [[seconds(run) for run in runs] for _ in range(REPEATS)]
    return np.array(rows)


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def as_float(picture: Bytes) -> NDArray[np.float32]:
    return picture.astype(np.float32) / np.float32(255)


def random_frames(picture: Bytes, scales: NDArray[np.float64], upright: bool, seed: int) -> Keypoints:
    rng = np.random.default_rng(seed)
    rows, cols = (rng.uniform(0, n - 1, POINTS) for n in picture.shape)
    angles = 0.0 if upright else rng.uniform(0, 2 * np.pi, POINTS)
    return Keypoints.of(rows, cols, rng.choice(scales, POINTS), angles)


def opencv_points(keypoints: Keypoints, packed: bool) -> list[cv2.KeyPoint]:
    """Turn keypoints into OpenCV's; its angles run clockwise too, its size is a diameter, 2 σ."""
    points = []
    for i in range(len(keypoints)):
        row, col, scale = (float(c[i]) for c in (keypoints.rows, keypoints.cols, keypoints.scales))
        angle = float(np.degrees(keypoints.orientations[i]))
        points.append(cv2.KeyPoint(col, row, 2 * scale, angle, 1.0, octave_of(scale) if packed else 0))
    return points


def octave_of(scale: float) -> int:
    """Pack the octave and layer of OpenCV's pyramid whose blur is nearest to a scale."""
    octave = int(np.floor(np.log2(scale / 1.6)))
    layer = round(3 * np.log2(scale / 1.6 / 2.0**octave))
    return (octave & 255) | (layer << 8)


if __name__ == "__main__":
    main()
