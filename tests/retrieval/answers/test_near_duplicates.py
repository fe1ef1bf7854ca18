"""Facts about near-duplicates: copies correlate, other pictures do not."""

import cv2
import numpy as np

from retrieval.answers.near_duplicates import correlation, fine_structure


def test_near_duplicates_and_others():
    rng = np.random.default_rng(3)
    one, other = (cv2.GaussianBlur(rng.random((150, 180)).astype(np.float32), (0, 0), 1.5) for _ in "ab")
    own = fine_structure(one)
    shifted = np.roll(one, (6, -9), (0, 1))
    smaller = cv2.resize(one, (90, 75), interpolation=cv2.INTER_AREA)
    for copy in (one, 0.5 * one + 0.2, shifted, smaller, np.ascontiguousarray(one[:, ::-1]), one[5:, :-6]):
        assert correlation(own, fine_structure(copy)) > 0.5
    assert correlation(own, fine_structure(other)) < 0.3
    assert correlation(own, fine_structure(np.full((20, 20), 0.5, np.float32))) == 0
