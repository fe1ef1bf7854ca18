"""Compare our k-means, and our assignment, with those of faiss and scikit-learn, on SIFT descriptors.

    python -m benchmarks.speed.vocabulary [FOLDER...] [--descriptors 200000] [--words 1000 10000] [--alone N]

Descriptors are OpenCV's SIFT as RootSIFT, from the pictures of the folders (scikit-image's own if none is
given), in random order; a tenth is held out. The distortion is the mean squared distance of the held-out
descriptors from their nearest word, exact for all. The gain of one more step of Lloyd's algorithm, exact and
over all descriptors, is how much lower it makes the distortion of those that were learnt from: 0 where the
words are the means of their descriptors. Seconds are of the processor, one thread each.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numba
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


def compare_fits(train: np.ndarray, held_out: np.ndarray, n_words: int, is_alone: bool) -> np.ndarray:
    """Print time, memory, distortion and what one more exact step gains, of all or ours; return our words."""
    peers = {} if is_alone else {"faiss.Kmeans": _faiss, "MiniBatchKMeans": _mini_batch}
    found = {}
    for name, fit in {"ours": _ours, **peers}.items():
        before, start = _forgotten_peak(), time.process_time()
        words = found[name] = fit(train, n_words)
        seconds, megabytes = time.process_time() - start, _resident("VmHWM") - before
        distortion = Scoring(words).closest(held_out)[1].mean(dtype=np.float64)
        gain = lloyd_gain(train, words)
        print(
            f"{n_words:8} {name:18}{seconds:8.1f} s{megabytes:8.0f} MB{distortion:12.5f}{gain:10.2%}",
            flush=True,
        )
    return found["ours"]


def _forgotten_peak() -> float:
    """Let the system count the peak of memory anew; return the megabytes that are there now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _resident("VmRSS")


def _resident(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1000 for line in lines if line.startswith(f"{field}:"))


def _ours(train: np.ndarray, n_words: int) -> np.ndarray:
    return Vocabulary(n_words).fit(train).centers_


def _faiss(train: np.ndarray, n_words: int) -> np.ndarray:
    import faiss

    faiss.omp_set_num_threads(1)
    made = faiss.Kmeans(train.shape[1], n_words, seed=1, min_points_per_centroid=1)
    made.train(train)
    return made.centroids


def _mini_batch(train: np.ndarray, n_words: int) -> np.ndarray:
    return MiniBatchKMeans(n_words, random_state=0, batch_size=4096, n_init=1).fit(train).cluster_centers_


def lloyd_gain(train: np.ndarray, words: np.ndarray) -> float:
    """Return by which share one more exact step lowers the mean squared distance of what was learnt from."""
    nearest, before = Scoring(np.asarray(words, np.float32)).closest(train)
    sums = np.zeros(words.shape, np.float64)
    np.add.at(sums, nearest, train)
    counts = np.bincount(nearest, minlength=len(words))
    moved = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], words).astype(np.float32)
    after = Scoring(moved).closest(train)[1]
    return 1.0 - float(after.mean(dtype=np.float64) / before.mean(dtype=np.float64))


def compare_assignments(descriptors: np.ndarray, centers: np.ndarray) -> None:
    """Print speed and agreement of approximate assignment for several numbers of probes."""
    for probes in (0, 4, 8, 12, 16):
        assigner = Assigner(centers, approximate_above=min(probes, 1), probes=max(probes, 1))
        assigner.assign(descriptors[:10])
        start = time.process_time()
        assigner.assign(descriptors)
        rate = len(descriptors) / (time.process_time() - start)
        agreed = agreement(descriptors, centers, probes) if probes else 1.0
        print(f"{len(centers):8} {f'{probes} probes' if probes else 'exact':18}{rate:8.0f} /s{agreed:11.3f}")


def compare_faiss(descriptors: np.ndarray, centers: np.ndarray) -> None:
    """Print speed and agreement of faiss's exact search, and of its inverted lists for several probes."""
    import faiss

    exact = faiss.IndexFlatL2(centers.shape[1])
    exact.add(centers)
    lists = faiss.IndexIVFFlat(
        faiss.IndexFlatL2(centers.shape[1]), centers.shape[1], round(len(centers) ** 0.5)
    )
    lists.train(centers)
    lists.add(centers)
    nearest = exact.search(descriptors, 1)[1]
    for probes in (0, 4, 8, 12, 16):
        index, lists.nprobe = exact if not probes else lists, max(1, probes)
        start = time.process_time()
        found = index.search(descriptors, 1)[1]
        rate = len(descriptors) / (time.process_time() - start)
        name = f"faiss, {probes} probes" if probes else "faiss, exact"
        print(f"{len(centers):8} {name:18}{rate:8.0f} /s{np.mean(found == nearest):11.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--descriptors", type=int, default=200_000)
    parser.add_argument("--words", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--alone", type=int, nargs="*", default=[], help="numbers of words without the peers")
    options = parser.parse_args()
    numba.set_num_threads(1)
    descriptors = root_sift(pictures(options.folders), options.descriptors)
    held_out, train = np.split(descriptors, [len(descriptors) // 10])
    Vocabulary(16).fit(train[:1000])  # so that compiling is not timed
    Vocabulary(16, flat=2).fit(train[:1000])
    print(f"{len(train)} descriptors to learn from, {len(held_out)} held out")
    print(f"{'words':>8} {'k-means':18}{'time':>10}{'memory':>11}{'distortion':>12}{'gain':>10}")
    vocabularies = [compare_fits(train, held_out, n_words, is_alone=False) for n_words in options.words]
    vocabularies += [compare_fits(train, held_out, n_words, is_alone=True) for n_words in options.alone]
    print(f"{'words':>8} {'assignment':18}{'speed':>11}{'agreement':>11}")
    for centers in vocabularies:
        compare_assignments(held_out[:8000], centers)
        compare_faiss(held_out[:8000], centers)


if __name__ == "__main__":
    main()
