"""Facts about geometric verification: known transforms are found again, and chance proves nothing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from bovw.verification.chance_inliers import FEWEST_INLIERS, MAX_FALSE_ALARMS, a_contrario_threshold
from bovw.verification.geometric import Verdicts, inlier_pairs, verify
from bovw.verification.matching import MOST_MATCHES, Frames, Points, WordTable, match, room_for_matches

WORDS = 1000
SIDE = 300


def frames(rng: np.random.Generator, n: int, words: int = WORDS, upright: bool = False) -> Frames:
    turns = np.zeros(n) if upright else rng.uniform(0, 2 * np.pi, n)
    scales = np.log(rng.uniform(3, 9, n))
    places = np.stack([rng.uniform(0, SIDE, n), rng.uniform(0, SIDE, n), scales, turns], axis=1)
    return Frames(rng.integers(0, words, n), places)


def transform(scale: float, turn: float, row: float, col: float) -> np.ndarray:
    return np.array([scale * np.cos(turn), scale * np.sin(turn), row, col])


def moved(
    found: Frames, by: np.ndarray, rng: np.random.Generator | None = None, noise: float = 0.0
) -> Frames:
    """Move points by a transform, and shake them by ``noise`` σ of their frames."""
    a, b, c, d = by
    row, col, log_scale, turn = found.places.T
    places = np.stack([c + a * row + b * col, d - b * row + a * col, log_scale, turn], axis=1)
    places[:, 2] += 0.5 * np.log(a * a + b * b)
    places[:, 3] = (places[:, 3] + np.arctan2(b, a)) % (2 * np.pi)
    if rng is not None:
        places[:, :2] += noise * np.exp(places[:, 2:3]) * rng.normal(size=(len(places), 2))
    return replace(found, places=places)


def together(*parts: Frames) -> Frames:
    words, places, signatures = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("words", "places", "signatures")
    )
    return Frames(words, places, parts[0].n_bits, signatures)


def one(query: Frames, candidate: Frames, **more: float) -> Verdicts:
    shapes = np.array([[SIDE, SIDE]])
    return verify(query, candidate, np.array([0, len(candidate)]), shapes, WORDS, **more)


@given(
    scale=st.floats(0.4, 2.5),
    turn=st.floats(-np.pi, np.pi),
    row=st.floats(-200, 300),
    col=st.floats(-200, 300),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_a_known_transform_is_found_again_among_noise(scale, turn, row, col, seed):
    rng = np.random.default_rng(seed)
    query = frames(rng, 120)
    known = transform(scale, turn, row, col)
    right = moved(Frames(query.words[:40], query.places[:40]), known, rng, noise=0.2)
    found = one(query, together(right, frames(rng, 200)))
    assert found.are_verified[0]
    assert found.inliers[0] >= 36
    # The query's corners land where they should, within a few hundredths of its side.
    corners = Frames(
        np.zeros(4, int), np.array([[0, 0, 0, 0], [0, SIDE, 0, 0], [SIDE, 0, 0, 0], [SIDE] * 2 + [0, 0]])
    )
    there, meant = moved(corners, found.transforms[0]), moved(corners, known)
    assert np.abs(there.places[:, :2] - meant.places[:, :2]).max() < 0.05 * scale * SIDE


@pytest.mark.parametrize("upright", [False, True])
def test_without_noise_the_transform_is_exact(upright):
    rng = np.random.default_rng(3)
    query = frames(rng, 80, upright=upright)
    known = transform(1.3, 0.0 if upright else 2.5, -20.0, 14.0)
    candidate = moved(query, known)
    if upright:
        candidate.places[:, 3] = 0
    found = one(query, candidate)
    assert found.inliers[0] == 80
    np.testing.assert_allclose(found.transforms[0], known, atol=1e-6)


def test_chance_proves_nothing():
    rng = np.random.default_rng(0)
    for upright in (False, True):
        query = frames(rng, 400, upright=upright)
        candidates = [frames(rng, 400, upright=upright) for _ in range(100)]
        offsets, shapes = np.arange(101) * 400, np.full((100, 2), SIDE)
        found = verify(query, together(*candidates), offsets, shapes, WORDS)
        assert found.are_verified.sum() <= 1
        assert (found.inliers > 0).all()


def test_each_candidate_is_verified_by_itself():
    rng = np.random.default_rng(4)
    query = frames(rng, 100)
    parts = [
        frames(rng, 50),
        moved(query, transform(0.7, 1.0, 30.0, 200.0)),
        Frames(np.empty(0, int), np.empty((0, 4))),
    ]
    offsets = np.cumsum([0, *map(len, parts)])
    found = verify(query, together(*parts), offsets, np.full((3, 2), SIDE), WORDS)
    alone = [one(query, part) for part in parts]
    np.testing.assert_array_equal(found.inliers, [verdict.inliers[0] for verdict in alone])
    np.testing.assert_array_equal(found.transforms, np.concatenate([v.transforms for v in alone]))
    assert found.are_verified.tolist() == [False, True, False]


@given(seed=st.integers(0, 999), words=st.integers(1, 60))
@settings(max_examples=30, deadline=None)
def test_no_point_agrees_twice_however_words_burst(seed, words):
    rng = np.random.default_rng(seed)
    query, candidate = frames(rng, 60, words), frames(rng, 90, words)
    found = one(query, candidate)
    pairs = inlier_pairs(query, candidate, found.transforms[0], WORDS)
    assert len(pairs) == found.inliers[0]
    for side in pairs.T:
        assert len(np.unique(side)) == len(side)
    np.testing.assert_array_equal(query.words[pairs[:, 0]], candidate.words[pairs[:, 1]])


def test_a_burst_at_one_place_counts_once():
    rng = np.random.default_rng(5)
    query = frames(rng, 30)
    point = Frames(np.full(30, 7), np.repeat(query.places[:1], 30, axis=0))
    lonely = Frames(np.full(1, 7), query.places[:1])
    assert one(lonely, point).inliers[0] <= 1


def matches(
    query: np.ndarray, candidate: np.ndarray, bits: tuple = (), other: tuple = (), reach: int = 64
) -> list[tuple[int, int, float]]:
    ours = Points(query, np.zeros((len(query), 4)), np.array(bits or [0] * len(query), np.uint64))
    theirs = Points(
        candidate, np.zeros((len(candidate), 4)), np.array(other or [0] * len(candidate), np.uint64)
    )
    counts = np.zeros(WORDS, np.int64)
    found = match(ours, WordTable.of(query, WORDS), theirs, reach, counts, room_for_matches())
    assert not counts.any()
    return list(zip(*(column.tolist() for column in found), strict=True))


def test_matches_are_the_pairs_with_one_word_and_weigh_no_more_than_can_be_right():
    assert matches(np.array([5, 9, 5]), np.array([9, 5, 1])) == [(1, 0, 1.0), (0, 1, 0.5), (2, 1, 0.5)]
    assert matches(np.array([3, 4]), np.array([5, 6])) == []


def test_pairs_of_far_signatures_are_no_matches():
    words, bits, other = np.array([5, 5, 9]), (0b1111, 0, 0), (0b111, 0b1111)
    found = [(a, b) for a, b, _ in matches(words, np.array([5, 9]), bits, other, reach=3)]
    assert found == [(0, 0), (1, 0)]
    assert [(a, b) for a, b, _ in matches(words, np.array([5, 9]), bits, other, reach=2)] == [(0, 0)]
    assert len(matches(words, np.array([5, 9]), bits, other)) == 3


def signed(found: Frames, rng: np.random.Generator, like: Frames | None = None, flips: int = 0) -> Frames:
    """Give points random signatures of 64 bits, or those of others with so many bits turned over."""
    bits = rng.integers(0, 2**64, len(found), dtype=np.uint64) if like is None else like.signatures.copy()
    for row in range(len(bits)) if flips else ():
        for bit in rng.choice(64, flips, replace=False):
            bits[row] ^= np.uint64(1) << np.uint64(bit)
    return replace(found, n_bits=64, signatures=bits)


@pytest.mark.parametrize("words", [1000, 40])
def test_signatures_find_the_same_transform_from_fewer_pairs(words):
    rng = np.random.default_rng(11)
    query = signed(frames(rng, 150, words), rng)
    known = transform(1.2, 0.7, -15.0, 60.0)
    half = Frames(query.words[:80], query.places[:80], 64, query.signatures[:80])
    right = signed(moved(half, known, rng, noise=0.2), rng, half, flips=6)
    candidate = together(right, signed(frames(rng, 150, words), rng))
    found = one(query, candidate)
    assert found.are_verified[0]
    plain = one(Frames(query.words, query.places), Frames(candidate.words, candidate.places))
    if words > 100:
        np.testing.assert_allclose(found.transforms[0], plain.transforms[0], atol=2.0)
        assert found.inliers[0] >= plain.inliers[0] - 2
    assert found.thresholds[0] <= plain.thresholds[0]
    corner = np.array([[SIDE / 2, SIDE / 2, 0.0, 0.0]])
    there = moved(Frames(np.zeros(1, int), corner), found.transforms[0]).places[0, :2]
    np.testing.assert_allclose(there, moved(Frames(np.zeros(1, int), corner), known).places[0, :2], atol=3)
    pairs = inlier_pairs(query, candidate, found.transforms[0], WORDS)
    assert len(pairs) == found.inliers[0]
    apart = query.signatures[pairs[:, 0]] ^ candidate.signatures[pairs[:, 1]]
    assert max(int(bits).bit_count() for bits in apart) <= 24


def test_signatures_that_cannot_be_compared_are_not_looked_at():
    rng = np.random.default_rng(12)
    query = frames(rng, 80)
    candidate = signed(moved(query, transform(1.1, 0.3, 5.0, 9.0)), rng)
    plain = Frames(candidate.words, candidate.places)
    assert one(query, candidate).inliers[0] == one(query, plain).inliers[0] > 0


def test_words_with_too_many_pairs_are_left_out_the_commonest_first():
    common, rare = np.zeros(80, np.int64), np.arange(1, 41)
    words = np.concatenate([common, rare])
    assert [(a, b) for a, b, _ in matches(words, words)] == [(i, i) for i in range(80, 120)]
    many = np.arange(MOST_MATCHES + 50) % WORDS
    assert 0 < len(matches(many, many)) <= MOST_MATCHES
    one_each = np.zeros(MOST_MATCHES + 50, np.int64)
    assert len(matches(one_each, one_each)) <= MOST_MATCHES


@pytest.mark.parametrize("n", [0, 1, 3, 10, 60, 500, 2048])
@pytest.mark.parametrize("p", [0.0, 1e-4, 0.003, 0.05, 0.5, 1.0])
def test_what_is_needed_follows_the_binomial_distribution(n, p):
    k = np.arange(2, n + 1)
    sound = n * binom.sf(k - 3, max(n - 2, 0), p) < MAX_FALSE_ALARMS  # P(B ≥ k − 2)
    wanted = int(k[sound][0]) if sound.any() else n + 1
    assert a_contrario_threshold(n, p) == max(FEWEST_INLIERS, wanted)


def test_empty_sides_prove_nothing():
    rng = np.random.default_rng(6)
    some, none = frames(rng, 20), Frames(np.empty(0, np.int64), np.empty((0, 4)))
    for query, candidate in ((some, none), (none, some), (none, none)):
        found = one(query, candidate)
        assert not found.are_verified.any()
        assert np.isnan(found.transforms).all()
    assert inlier_pairs(none, some, np.zeros(4), WORDS).shape == (0, 2)


def test_twice_the_same_question_is_answered_the_same_to_the_last_bit():
    rng = np.random.default_rng(7)
    query, candidate = frames(rng, 300, 50), frames(rng, 300, 50)
    first, second = one(query, candidate), one(query, candidate)
    assert first.transforms.tobytes() == second.transforms.tobytes()
    assert first.inliers.tolist() == second.inliers.tolist()
