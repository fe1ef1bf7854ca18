"""The vocabulary: what it learns, what it reports, what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from bovw.vocabulary.assignment import exact
from bovw.vocabulary.vocabulary import Vocabulary
from retrieval.errors import FitError, SettingError

FIT = """
import hashlib, numpy as np
from bovw.vocabulary.vocabulary import Vocabulary
points = np.random.default_rng(0).normal(size=(9000, 8)).astype(np.float32)
for size, flat in ((30, 2048), (60, 10)):
    print(hashlib.sha256(Vocabulary(size, seed=5, flat=flat).fit(points).centers_.tobytes()).hexdigest())
"""


def sample(n: int = 3000, d: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("flat", [2048, 10])
def test_fitting_twice_equals_fitting_once(flat):
    vocabulary = Vocabulary(50, seed=1, flat=flat)
    first = vocabulary.fit(sample()).centers_.copy()
    np.testing.assert_array_equal(vocabulary.fit(sample()).centers_, first)
    assert (first.shape, first.dtype) == ((50, 8), np.float32)


def test_another_seed_gives_other_words():
    assert (
        Vocabulary(20, seed=1).fit(sample()).centers_ != Vocabulary(20, seed=2).fit(sample()).centers_
    ).any()


def test_other_processes_with_other_numbers_of_threads_learn_the_same_words():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", FIT],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    }
    assert len(outputs) == 1


def test_as_many_words_as_different_descriptors_are_these():
    points = np.repeat(np.arange(12, dtype=np.float32)[:, None] ** 2, 40, axis=0)
    vocabulary = Vocabulary(12).fit(points)
    assert np.sort(vocabulary.centers_[:, 0]).tolist() == [i**2 for i in range(12)]
    assert vocabulary.report_.empty_words == ()
    assert vocabulary.report_.distortion == pytest.approx(0, abs=1e-3)


def test_the_report_is_what_an_exact_assignment_finds():
    vocabulary = Vocabulary(40).fit(sample())
    words = exact(sample(), vocabulary.centers_)
    squares = ((sample() - vocabulary.centers_[words]) ** 2).sum(axis=1)
    report = vocabulary.report_
    assert (report.n_descriptors, report.n_used) == (3000, 3000)
    assert report.distortion == pytest.approx(squares.mean(), rel=1e-4)
    assert report.largest_share == np.bincount(words).max() / 3000
    assert report.empty_words == report.dominant_words == ()


def test_a_word_that_takes_most_of_the_sample_is_reported():
    points = np.concatenate([np.zeros((5000, 8), np.float32), sample(500) + 20])
    report = Vocabulary(40).fit(points).report_
    (word,) = report.dominant_words
    assert report.largest_share == pytest.approx(5000 / 5500)
    assert 0 <= word < 40


@pytest.mark.parametrize("flat", [2048, 10])
def test_a_sample_of_mostly_equal_descriptors_leaves_no_word_empty(flat):
    points = np.concatenate([np.zeros((5000, 8), np.float32), sample(300)])
    assert Vocabulary(64, flat=flat).fit(points).report_.empty_words == ()


def test_at_most_the_sample_is_used():
    report = Vocabulary(10, sample=20).fit(sample()).report_
    assert (report.n_descriptors, report.n_used) == (3000, 200)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.uint8, np.int32])
def test_any_real_type_is_taken(dtype):
    points = (np.abs(sample()) * 20).astype(dtype)
    assert np.isfinite(Vocabulary(20).fit(points).centers_).all()


def test_a_read_only_array_in_fortran_order_gives_the_same_words():
    points = np.asfortranarray(sample())
    points.flags.writeable = False
    np.testing.assert_array_equal(Vocabulary(20).fit(points).centers_, Vocabulary(20).fit(sample()).centers_)


def test_the_descriptors_are_left_as_they_are():
    points = sample()
    Vocabulary(20).fit(points)
    np.testing.assert_array_equal(points, sample())


def test_more_words_than_different_descriptors_are_refused_with_the_remedy():
    for points in (np.repeat(sample(9), 100, axis=0), sample(9), sample(0)):
        with pytest.raises(FitError, match="more images or fewer words"):
            Vocabulary(10).fit(points)


def test_what_is_no_matrix_of_finite_numbers_is_refused():
    broken = sample()
    broken[1234, 5] = np.nan
    for points in (broken, sample()[0], np.array([["a"]]), np.ones((4, 4), dtype=bool)):
        with pytest.raises(FitError):
            Vocabulary(20).fit(points)


@pytest.mark.parametrize(
    "keywords", [{"size": 1}, {"seed": -1}, {"iterations": 0}, {"sample": 0}, {"flat": 1}]
)
def test_bad_settings_are_refused_with_their_name(keywords):
    with pytest.raises(SettingError, match=next(iter(keywords))):
        Vocabulary(**keywords)


def test_two_words_halve_a_line():
    centers = Vocabulary(2).fit(np.array([[0.0], [1.0], [10.0], [11.0]])).centers_
    assert np.sort(centers[:, 0]).tolist() == [0.5, 10.5]
