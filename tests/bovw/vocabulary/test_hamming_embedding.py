"""Facts about signatures: the bits of points, what their distance counts for, and what they are worth."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.images import as_picture, discs

import bovw
from bovw.bag_of_words import BagOfWords
from bovw.verification.evidence import EVIDENCE
from bovw.verification.hamming import amounts, distance, reach
from bovw.verification.matching import Frames
from bovw.verification.signature_similarity import contributions, signature_similarity
from bovw.vocabulary.hamming_embedding import FEWEST, Signatures, random_projection
from retrieval.errors import IndexFolderError, SettingError
from retrieval.index import Index
from retrieval.index.catalogue.recipe import recipe_hash, recipe_settings
from retrieval.index.writer import IndexWriter
from retrieval.picture import Picture
from retrieval.region import Region

SMALL = {"words": 100, "tone_words": 8, "points": 150}
NUMBERS = st.integers(0, 2**64 - 1)


@given(one=NUMBERS, other=NUMBERS)
@settings(deadline=None)
def test_the_distance_is_symmetric_and_counts_the_bits_that_differ(one, other):
    a, b = np.uint64(one), np.uint64(other)
    assert distance(a, b) == distance(b, a) == (one ^ other).bit_count()
    assert distance(a, a) == 0


@pytest.mark.parametrize("n_bits", [32, 64])
def test_a_match_counts_for_less_the_further_it_is_and_for_nothing_beyond_the_reach(n_bits):
    found = amounts(n_bits)
    assert found[0] == 1
    assert found[n_bits // 4] == pytest.approx(np.exp(-1))
    assert all(a > b for a, b in pairwise(found[: reach(n_bits) + 1]))
    assert not found[reach(n_bits) + 1 :].any()
    assert (reach(32), reach(64)) == (12, 24)
    assert (amounts(0) == 1).all()


@pytest.mark.parametrize(("n_bits", "d"), [(32, 48), (64, 48), (64, 128), (32, 3)])
def test_the_projection_is_orthogonal_one_way_or_the_other(n_bits, d):
    found = random_projection(n_bits, d, seed=3)
    assert found.shape == (n_bits, d)
    square = found @ found.T if n_bits <= d else found.T @ found
    np.testing.assert_allclose(square, np.eye(min(n_bits, d)), atol=1e-5)
    assert not np.allclose(found, random_projection(n_bits, d, seed=4))


def learn(n: int = 600, n_bits: int = 64) -> tuple[Signatures, np.ndarray, np.ndarray]:
    """Learn from points about six words, of which the last has too few."""
    rng = np.random.default_rng(0)
    words = np.concatenate([np.arange(n) % 5, np.full(FEWEST - 1, 5)])
    reduced = (4 * words[:, None] + rng.normal(size=(len(words), 48))).astype(np.float32)
    return Signatures.learn(reduced, words, 7, n_bits, seed=0), reduced, words


@pytest.mark.parametrize("n_bits", [32, 64])
def test_each_bit_is_set_for_half_of_the_points_of_a_word(n_bits):
    made, reduced, words = learn(n_bits=n_bits)
    bits = made.of(reduced, words)
    assert bits.dtype == np.dtype(f"u{n_bits // 8}")
    for word in range(5):
        set = np.unpackbits(bits[words == word].view(np.uint8).reshape(-1, n_bits // 8), axis=1)
        np.testing.assert_allclose(set.mean(axis=0), 0.5, atol=0.02)


def test_words_of_few_samples_or_none_have_the_medians_of_all():
    made, reduced, _ = learn()
    everywhere = np.median(reduced @ made.projection.T, axis=0)
    np.testing.assert_allclose(made.medians[5:], [everywhere, everywhere], atol=1e-4)
    assert np.abs(made.medians[0] - everywhere).max() > 1


def test_the_bits_are_those_of_the_definition():
    made, reduced, words = learn()
    (bits,) = made.of(reduced[:1], words[:1])
    above = made.projection @ reduced[0] > made.medians[words[0]]
    assert int(bits) == sum(1 << b for b in np.flatnonzero(above).tolist())
    assert made.of(reduced[:0], words[:0]).shape == (0,)
    same = made.of(np.repeat(reduced[:1], 3, axis=0), np.repeat(words[:1], 3))
    assert distance(same[0], same[2]) == distance(same[0], bits) == 0


def frames(words: list, bits: list) -> Frames:
    places = np.zeros((len(words), 4))
    return Frames(np.array(words, np.int64), places, 64, np.array(bits, np.uint64))


def alike(one: Frames, other: Frames, n_bits: int = 64) -> float:
    weights = np.array([1.0, 2.0, 3.0, 0.0])
    return float(signature_similarity(one, other, np.array([0, len(other)]), weights, n_bits)[0])


def test_likeness_is_worked_out_by_hand():
    one, other = frames([0, 1, 1], [0, 0, 0]), frames([1, 2], [0xFFFF, 0])
    # Word 1: two pairs at distance 16 count exp(−1) each, s² = 4; ⟨x, x⟩ = 1 + 4 √4 = 9, ⟨y, y⟩ = 4 + 9.
    assert alike(one, other) == pytest.approx(4 * np.sqrt(2 * np.exp(-1)) / np.sqrt(9 * 13))
    assert alike(one, other, 0) == pytest.approx(4 * np.sqrt(2) / np.sqrt(9 * 13))
    assert alike(one, frames([2, 3], [0, 0])) == 0
    assert alike(frames([3], [0]), frames([3], [0])) == 0  # a stop word
    assert alike(one, frames([], [])) == 0


def test_what_the_points_of_a_hit_add_is_its_likeness_in_all():
    one, other = frames([0, 1, 1, 3], [0, 0, 0, 0]), frames([1, 1, 2, 0], [0xFFFF, 0, 0, 2**64 - 1])
    weights = np.array([1.0, 2.0, 3.0, 0.0])
    found = contributions(one, other, weights, 64)
    assert found.sum() == pytest.approx(alike(one, other))
    assert found[0] / found[1] == pytest.approx(np.exp(-1))  # at distances 16 and 0 of one word
    assert found[2:].tolist() == [0, 0]  # a word of its own, and a match out of reach
    assert not contributions(frames([], []), other, weights, 64).any()
    assert contributions(one, frames([], []), weights, 64).shape == (0,)


@given(seed=st.integers(0, 999), n_words=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_likeness_is_symmetric_within_bounds_and_one_of_a_picture_with_itself(seed, n_words):
    rng = np.random.default_rng(seed)
    one, other = (
        frames(rng.integers(0, n_words, 20).tolist(), rng.integers(0, 2**64, 20, dtype=np.uint64).tolist())
        for _ in range(2)
    )
    assert alike(one, other) == pytest.approx(alike(other, one))
    assert 0 <= alike(one, other) <= 1
    if (one.words < 3).any():
        assert alike(one, one) == pytest.approx(1)


PICTURES = [as_picture(discs(seed)) for seed in range(8)]


@pytest.fixture(scope="module")
def signed() -> BagOfWords:
    return bovw.sift(**SMALL, signature=64).fit(PICTURES)


def test_without_tone_a_bag_of_ones_scores_as_its_vectors_do():
    bag = bovw.superpixel(**{**SMALL, "tone_words": 0}, signature=32).fit(PICTURES)
    one, other = bag.encode(PICTURES[0]), bag.encode(PICTURES[1])
    rows = [Frames.of(encoding.evidence) for encoding in (one, other)]
    offsets = np.array([0, len(rows[1])])
    found = signature_similarity(*rows, offsets, bag.shape_vocabulary_.word_weights, 0)[0]
    assert found == pytest.approx(one.vector.dense() @ other.vector.dense(), abs=1e-5)
    assert signature_similarity(*rows, offsets, bag.shape_vocabulary_.word_weights, 32)[0] < found


def test_near_duplicates_have_nearer_pairs_than_other_pictures(signed):
    noisy = np.clip(PICTURES[3].pixels + np.random.default_rng(0).normal(0, 0.01, (160, 200)), 0, 1)
    asked = Frames.of(signed.encode(Picture(noisy.astype(np.float32))).evidence)

    def mean_distance(other: Picture) -> float:
        rows = Frames.of(signed.encode(other).evidence)
        return float(
            np.mean(
                [
                    min(int(a ^ b).bit_count() for b in rows.signatures[rows.words == word])
                    for word, a in zip(asked.words, asked.signatures, strict=True)
                    if (rows.words == word).any()
                ]
            )
        )

    assert mean_distance(PICTURES[3]) < 0.6 * min(mean_distance(PICTURES[i]) for i in (0, 1, 2))


BITS = f"""
import hashlib
import bovw
from support.images import as_picture, discs
pictures = [as_picture(discs(seed)) for seed in range(8)]
bag = bovw.sift(**{SMALL}, signature=64).fit(pictures)
print(hashlib.sha256(bag.encode(pictures[2]).evidence.tobytes()).hexdigest())
"""


def test_bits_are_the_same_in_another_process_with_other_threads():
    said = {
        subprocess.run(
            [sys.executable, "-c", BITS],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(said) == 1


def test_signatures_come_back_or_are_refused(signed):
    again = bovw.sift(**SMALL, signature=64).restore(signed.learnt())
    before, after = (bag.encode(PICTURES[1]).evidence for bag in (signed, again))
    np.testing.assert_array_equal(before, after)
    learnt = dict(signed.learnt())
    learnt.pop("signatures_medians")
    for broken in (learnt, {**signed.learnt(), "signatures_medians": np.zeros((3, 64), np.float32)}):
        with pytest.raises(IndexFolderError, match="signatures"):
            bovw.sift(**SMALL, signature=64).restore(broken)
    with pytest.raises(SettingError, match="signature: 16"):
        bovw.sift(signature=16)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    for seed in range(12):
        cv2.imwrite(str(folder / f"{seed:02}.png"), discs(seed))
    return folder


def index(place, folder, **more) -> Index:
    made = IndexWriter.create(folder)
    made.add_representation(bovw.sift(**SMALL, **more))
    made.update([place], jobs=1)
    return made


def test_evidence_with_signatures_makes_the_round_through_an_index(place, tmp_path):
    with index(place, tmp_path / "i", signature=64) as made:
        bag = made.representation("sift")
        evidence = bag.encode(made.read("04.png")).evidence
    with Index.open(tmp_path / "i") as opened:
        stored = opened.ask(lambda snapshot: snapshot.evidence("sift", snapshot.position("04.png")))
        assert stored.dtype == evidence.dtype
        np.testing.assert_array_equal(stored, evidence)
        hits = opened.query("04.png", k=12)
        assert hits[0].id == "04.png"
        assert all(hit.box is None for hit in hits)
        turned = np.array([[0.97, -0.26, 0], [0.26, 0.97, -30]])
        piece = as_picture(cv2.warpAffine(discs(5), turned, (120, 100)))
        for verify in (0, 5):
            (hit,) = opened.query(piece, k=1, adjust={"verify": verify})
            assert hit.id == "05.png"
            assert (hit.n_inliers is not None) == (verify > 0)
        boxes = [hit.box for hit in opened.query("04.png", k=12, region=Region.box(10, 10, 60, 60))]
        assert None not in boxes


def test_only_the_verified_have_boxes_and_the_others_keep_their_order(place, tmp_path):
    with index(place, tmp_path / "i", signature=64) as made:
        plain, verified = (made.query("02.png", k=12, adjust={"verify": n}) for n in (0, 3))
        assert [hit.id for hit in plain[3:]] == [hit.id for hit in verified[3:]]
        assert [hit.box is None for hit in verified[3:]] == [True] * 9
        assert verified[0].n_inliers > 10


def test_what_has_no_signatures_is_as_it_was_before_there_were_any(place, tmp_path):
    plain = bovw.sift(**SMALL)
    assert recipe_settings(plain).keys() == plain.settings.keys() - {"signature", "expand", "weigh_points"}
    assert recipe_settings(bovw.sift(signature=32))["signature"] == 32
    with index(place, tmp_path / "i") as made:
        (binding,) = made.ask(lambda snapshot: list(snapshot.stored.values()))
        bag = made.representation("sift")
        # What an index said of its settings before, it says now: an older one opens, its recipe the same.
        assert json.loads(json.dumps(dict(binding.settings))) == recipe_settings(plain)
        assert binding.recipe == recipe_hash("auto", "sift", recipe_settings(plain), bag.learnt())
        assert not [name for name in bag.learnt() if "signature" in name]
        assert bag.encode(made.read("00.png")).evidence.dtype == EVIDENCE
        made.add_representation(bovw.sift(**SMALL))
        with pytest.raises(IndexFolderError, match="signature is nothing in this index, not 64"):
            made.add_representation(bovw.sift(**SMALL, signature=64))
    with Index.open(tmp_path / "i") as opened:
        assert opened.query("00.png", k=1)[0].id == "00.png"
    assert replace(plain.chosen, expand=3) != plain.chosen
