"""The plain pipeline that visual words are compared with: OpenCV, scikit-image and scikit-learn as they are.

Interest points → SIFT descriptors → MiniBatchKMeans → tf-idf → cosine, on grey images of 8 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import segmentation
from sklearn.cluster import MiniBatchKMeans
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics.pairwise import cosine_similarity

from retrieval.picture import Picture

LONGEST, POINTS, WORDS = 320, 400, 1000

Bytes = NDArray[np.uint8]
Scores = NDArray[np.float64]
"""(n, n): a row for each query; larger is closer."""


def grey_bytes(picture: Picture) -> Bytes:
    """Return an image as the pipeline sees it: grey, uint8, shrunk to at most 320 pixels."""
    return np.round(255 * picture.fit_within(LONGEST)[0].grey).astype(np.uint8)


@dataclass(frozen=True)
class Plain:
    """The pipeline with one detector.

    Parameters
    ----------
    detector : ``sift``; or ``superpixel``, ``dense``: places that ``SIFT.compute`` describes instead.
    root : RootSIFT (Arandjelović and Zisserman 2012), and the square root of the counts.
    """

    detector: str = "sift"
    root: bool = False

    def __call__(self, images: Sequence[Bytes]) -> Scores:
        """Rank all images by all."""
        each = [plain_descriptors(image, self.detector, POINTS, self.root) for image in images]
        together = np.concatenate(each)
        words = MiniBatchKMeans(min(WORDS, len(together)), random_state=0, n_init=3, batch_size=4096)
        words.fit(together)
        bags = np.zeros((len(each), words.n_clusters))
        for bag, descriptors in zip(bags, each, strict=True):
            if len(descriptors):
                np.add.at(bag, words.predict(descriptors), 1)
        tfidf = TfidfTransformer().fit_transform(np.sqrt(bags) if self.root else bags)
        return np.asarray(cosine_similarity(tfidf))


PIPELINES = {detector: Plain(detector, root=True) for detector in ("sift", "dense", "superpixel")}
"""The stronger variant with each detector; the measure of what a detector of ours adds."""


def plain_descriptors(image: Bytes, detector: str, points: int, root: bool) -> NDArray[np.float32]:
    """Return about ``points`` SIFT descriptors of an image, float32 (n, 128)."""
    sift = cv2.SIFT_create(nfeatures=points)
    if detector == "sift":
        descriptors = sift.detectAndCompute(image, None)[1]
    else:
        grey = image.astype(np.float32) / 255
        places = superpixel_centres(grey, points) if detector == "superpixel" else grid(image.shape, points)
        descriptors = sift.compute(image, places)[1]
    if descriptors is None:
        return np.empty((0, 128), dtype=np.float32)
    if root:
        descriptors = np.sqrt(descriptors / (descriptors.sum(axis=1, keepdims=True) + 1e-7))
    return np.asarray(descriptors, dtype=np.float32)


def superpixel_centres(image: NDArray[np.float32], points: int) -> list[cv2.KeyPoint]:
    """Return the centres of mass of scikit-image's superpixels, each as wide as a square of its area."""
    labels = segmentation.slic(image, points, compactness=0.1, channel_axis=None, start_label=0).ravel()
    areas = np.maximum(np.bincount(labels), 1)
    rows, cols = (np.bincount(labels, i.ravel()) / areas for i in np.indices(image.shape))
    return [cv2.KeyPoint(*place) for place in zip(cols, rows, np.sqrt(areas), strict=True)]


def grid(shape: tuple[int, ...], points: int) -> list[cv2.KeyPoint]:
    """Return points on a regular grid, half of them 12 pixels wide and half 24."""
    n = round((points / 2) ** 0.5)
    rows, cols = ((np.arange(n) + 0.5) * length / n for length in shape)
    return [cv2.KeyPoint(c, r, size) for size in (12, 24) for r in rows for c in cols]
