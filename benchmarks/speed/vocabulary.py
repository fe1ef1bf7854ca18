"""Compare our k-means with scikit-learn's, and approximate with exact assignment, on SIFT descriptors.

    python benchmarks/speed/vocabulary.py [FOLDER...] [--descriptors 200000] [--words 1000 10000]

Descriptors are OpenCV's SIFT as RootSIFT, from the pictures of the folders (scikit-image's own if none is
given), in random order; a tenth is held out. The distortion is the mean squared distance of the held-out
descriptors from their nearest word, exact for both.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
from sklearn.cluster import MiniBatchKMeans

from bovw.vocabulary.assignment import Assigner, agreement
from bovw.vocabulary.nearest_center import Scoring
from bovw.vocabulary.vocabulary import Vocabulary


def pictures(folders: list[Path]) -> list[Path]:
    """Return every picture of the folders, in random order; scikit-image's own if there are none."""
    if not folders:
        import skimage.data

        folders = [Path(skimage.data.__file__).parent]
    suffixes = {".png", ".jpg", ".jpeg", ".tif", ".bmp"}
    found = sorted(p for folder in folders for p in folder.rglob("*") if p.suffix.lower() in suffixes)
    return [found[i] for i in np.random.default_rng(0).permutation(len(found))]


def root_sift(paths: list[Path], n: int) -> np.ndarray:
    """Return n descriptors, float32 (n, 128), of the pictures at falling sizes until there are enough."""
    sift = cv2.SIFT_create(contrastThreshold=0.005)
    found, total = [], 0
    for longest in (512, 320, 768, 640, 256):
        for path in paths:
            grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            if grey is None or total >= n:
                continue
            factor = longest / max(grey.shape)
            _, descriptors = sift.detectAndCompute(cv2.resize(grey, None, fx=factor, fy=factor), None)
            if descriptors is not None:
                found.append(np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-7)))
                total += len(descriptors)
    return np.random.default_rng(1).permutation(np.concatenate(found)[:n])


def compare_fits(train: np.ndarray, held_out: np.ndarray, n_words: int) -> np.ndarray:
    """Print time and distortion of both; return our words."""
    start = time.perf_counter()
    ours = Vocabulary(n_words).fit(train)
    middle = time.perf_counter()
    mini = MiniBatchKMeans(n_words, random_state=0, batch_size=4096, n_init=1).fit(train)
    seconds = middle - start, time.perf_counter() - middle
    for name, words, took in zip(
        ("ours", "MiniBatchKMeans"), (ours.centers_, mini.cluster_centers_), seconds, strict=True
    ):
        distortion = Scoring(words).closest(held_out)[1].mean(dtype=np.float64)
        print(f"{n_words:8} {name:18}{took:8.1f} s{distortion:12.5f}")
    report = ours.report_
    print(f"{'':9}{len(report.empty_words)} empty, {len(report.dominant_words)} dominant words")
    return ours.centers_


def compare_assignments(descriptors: np.ndarray, centers: np.ndarray) -> None:
    """Print speed and agreement of approximate assignment for several numbers of probes."""
    for probes in (0, 4, 8, 12, 16):
        assigner = Assigner(centers, approximate_above=min(probes, 1), probes=max(probes, 1))
        assigner.assign(descriptors[:10])
        start = time.perf_counter()
        assigner.assign(descriptors)
        rate = len(descriptors) / (time.perf_counter() - start)
        agreed = agreement(descriptors, centers, probes) if probes else 1.0
        print(f"{len(centers):8} {f'{probes} probes' if probes else 'exact':18}{rate:8.0f} /s{agreed:11.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--descriptors", type=int, default=200_000)
    parser.add_argument("--words", type=int, nargs="+", default=[1000, 10_000])
    options = parser.parse_args()
    descriptors = root_sift(pictures(options.folders), options.descriptors)
    held_out, train = np.split(descriptors, [len(descriptors) // 10])
    Vocabulary(16).fit(train[:1000])  # so that compiling is not timed
    Vocabulary(16, flat=2).fit(train[:1000])
    print(f"{len(train)} descriptors to learn from, {len(held_out)} held out")
    print(f"{'words':>8} {'k-means':18}{'time':>10}{'distortion':>12}")
    vocabularies = [compare_fits(train, held_out, n_words) for n_words in options.words]
    print(f"{'words':>8} {'assignment':18}{'speed':>11}{'agreement':>11}")
    for centers in vocabularies:
        compare_assignments(held_out[:8000], centers)


if __name__ == "__main__":
    main()
