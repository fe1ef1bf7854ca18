"""Facts about proposals and groups of near-duplicates."""

import cv2
import numpy as np

from retrieval.answers.duplicate_finder import DuplicateFinder, structure
from retrieval.answers.duplicate_groups import joined
from retrieval.answers.duplicate_proposals import LEAST, propose, signature
from retrieval.answers.near_duplicates import fine_structure, threshold_of


def noise(rng):
    return cv2.GaussianBlur(rng.random((150, 180)).astype(np.float32), (0, 0), 1.5)


def test_a_signature_is_the_same_for_a_shift_and_a_mirror_image():
    one = noise(np.random.default_rng(1))
    own = signature(fine_structure(one))
    assert own.shape == (256,) and abs(float(own @ own) - 1) < 1e-5
    for copy in (np.ascontiguousarray(one[:, ::-1]), np.roll(one, (6, -9), (0, 1)), 0.5 * one + 0.2):
        assert float(own @ signature(fine_structure(copy))) > 0.8
    assert not signature(fine_structure(np.full((30, 30), 0.5, np.float32))).any()


def test_copies_are_among_the_proposals_and_few_others():
    rng = np.random.default_rng(2)
    images = [noise(rng) for _ in range(40)]
    images += [np.ascontiguousarray(one[:, ::-1]) for one in images[:5]]
    found = {tuple(pair) for pair in propose([signature(fine_structure(one)) for one in images]).tolist()}
    assert {(i, 40 + i) for i in range(5)} <= found
    assert len(found) < 0.1 * 45 * 44 / 2 and all(i < j for i, j in found)
    assert propose([]).shape == (0, 2) and propose([np.ones(256, np.float32)]).shape == (0, 2)
    assert 0 < LEAST < 1


def test_versions_of_which_each_has_many_copies_are_one_group():
    rng = np.random.default_rng(3)
    one, other = noise(rng), noise(rng)
    versions = [one, np.roll(0.6 * one, 7, axis=1), np.ascontiguousarray(one[:, ::-1]), other]
    # Each version is noisy in its own way, so that the ten nearest of a copy are of its own version.
    versions = [version + 0.05 * noise(rng) for version in versions]
    images = [version for version in versions for _ in range(12)] + [noise(rng) for _ in range(20)]
    rows = [structure(image) for image in images]
    finder = DuplicateFinder(rows.__getitem__, len(rows))
    pairs = [(pair.one, pair.other) for pair in finder.all_pairs]
    numbers = joined(range(len(images)), pairs).tolist()
    assert len(set(numbers[:36])) == len(set(numbers[36:48])) == 1 and numbers[0] != numbers[36]
    assert len(set(numbers)) == 2 + 20 and pairs == sorted(set(pairs))


def test_small_images_must_be_more_alike():
    assert threshold_of((8, 200)) > 0.9 > threshold_of((48, 60))


def test_groups_that_pairs_join_are_one():
    groups = ["a", "a", "b", "c", "d", "e"]
    assert joined(groups, [(1, 2), (2, 4)]).tolist() == [0, 0, 0, 1, 0, 2]
    assert joined(groups, []).tolist() == [0, 0, 1, 2, 3, 4]
    assert joined([], []).tolist() == []
