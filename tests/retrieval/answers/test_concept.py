"""Facts about concepts: the direction is that of a ridge regression, and held-out groups are told."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.answers import concept
from retrieval.answers.concept import learn_direction, steer
from retrieval.errors import SettingError
from retrieval.representation import SparseVector

RANDOM = np.random.default_rng(0)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def examples(n: int, towards: np.ndarray, strength: float = 0.5) -> list[np.ndarray]:
    noise = RANDOM.normal(size=(n, len(towards)))
    return list((unit(noise) + strength * towards).astype(np.float32))


TRUE = unit(RANDOM.normal(size=24))
LIKED, UNLIKED = examples(12, TRUE), examples(30, -TRUE)
GROUPS = [f"s{i % 6}" for i in range(42)]


def regression(rows, y, weights, penalty):
    """Return w of the weighted ridge regression around the mean of both means, solved in full."""
    mean = weights @ rows / weights.sum()
    centred = rows - mean
    left = (centred.T * weights) @ centred + penalty * np.eye(rows.shape[1])
    return np.linalg.solve(left, (centred.T * weights) @ y), mean


def system():
    rows = unit(np.stack([*LIKED, *UNLIKED]).astype(np.float64))
    y = np.repeat([1.0, -1.0], [12, 30])
    weights = np.where(y > 0, 0.5 / 12, 0.5 / 30)
    centred = rows - weights @ rows
    return rows, y, weights, float((weights * (centred**2).sum(axis=1)).sum()) / len(y)


def test_the_direction_is_that_of_a_ridge_regression(monkeypatch) -> None:
    monkeypatch.setattr(concept, "_LAMBDA", 0.5)
    found = learn_direction(LIKED, UNLIKED, GROUPS)
    rows, y, weights, size = system()
    expected, _ = regression(rows, y, weights, 0.5 * size)
    assert np.allclose(found.vector, unit(expected), atol=1e-5)
    assert found.vector @ TRUE > 0.7


def test_much_shrinkage_gives_the_difference_of_means(monkeypatch) -> None:
    monkeypatch.setattr(concept, "_LAMBDA", 1e9)
    found = learn_direction(LIKED, UNLIKED, GROUPS)
    means = [unit(np.stack(side).astype(np.float64)).mean(axis=0) for side in (LIKED, UNLIKED)]
    assert np.allclose(found.vector, unit(means[0] - means[1]), atol=1e-5)


def test_what_is_said_of_a_held_out_group_is_what_the_others_say(monkeypatch) -> None:
    monkeypatch.setattr(concept, "_LAMBDA", 0.1)
    rows, y, *_ = system()
    found = concept._held_out(rows @ rows.T, y, GROUPS)
    for group in set(GROUPS):
        own = np.array(GROUPS) == group
        weights = np.where(y[~own] > 0, 0.5 / np.sum(y[~own] > 0), 0.5 / np.sum(y[~own] < 0))
        centred = rows[~own] - weights @ rows[~own]
        size = float((weights * (centred**2).sum(axis=1)).sum()) / len(weights)
        direction, mean = regression(rows[~own], y[~own], weights, 0.1 * size)
        assert np.allclose(found[own], (rows[own] - mean) @ direction)


@pytest.mark.parametrize(("n", "size", "n_each"), [(60, 20, 1), (60, 400, 1), (60, 400, 5), (40, 1000, 2)])
def test_chance_is_no_concept_however_long_the_vectors_are(n, size, n_each) -> None:
    random = np.random.default_rng(size)
    found = []
    for _ in range(4):
        liked, unliked = random.normal(size=(2, n, size)).astype(np.float32)
        names = [f"{side}{i // n_each}" for side in "ab" for i in range(n)]
        found.append(learn_direction(list(liked), list(unliked), names).auc)
    assert 0.35 < np.mean(found) < 0.6


def test_of_sides_that_are_of_one_group_nothing_is_held_out() -> None:
    assert learn_direction(LIKED, UNLIKED, ["a"] * 12 + [f"b{i}" for i in range(30)]).auc is None


def test_a_concept_that_is_there_is_found_in_held_out_groups() -> None:
    assert learn_direction(LIKED, UNLIKED, GROUPS).auc > 0.9
    assert learn_direction(LIKED, UNLIKED, ["one"] * 42).auc is None


def bag(row) -> SparseVector:
    places = np.flatnonzero(row > 0.3)
    return SparseVector(places.astype(np.uint32), row[places], len(row))


def test_bags_give_the_direction_of_their_dense_vectors() -> None:
    liked, unliked = [bag(v) for v in LIKED], [bag(v) for v in UNLIKED]
    found = learn_direction(liked, unliked, GROUPS)
    dense = learn_direction([v.dense() for v in liked], [v.dense() for v in unliked], GROUPS)
    assert np.allclose(found.vector.dense(), dense.vector, atol=1e-6)
    assert found.auc == pytest.approx(dense.auc)


def test_a_query_is_moved_and_stays_at_unit_length() -> None:
    direction = learn_direction(LIKED, UNLIKED, GROUPS).vector
    query = RANDOM.normal(size=24).astype(np.float32)
    moved = steer(query, direction, 2.0)
    assert np.allclose(moved, unit(unit(query) + 2 * direction), atol=1e-6)
    assert np.allclose(steer(query, direction, 0.0), unit(query), atol=1e-6)
    views = np.stack([query, -query])
    assert np.allclose(steer(views, direction, 2.0)[0], moved)


def test_a_word_counts_at_least_nothing() -> None:
    query = SparseVector(np.array([1, 3], np.uint32), np.array([1, 1], np.float32), 6)
    direction = SparseVector(np.array([0, 1, 2], np.uint32), np.array([0.6, -0.8, 0], np.float32), 6)
    moved = steer(query, direction, 1.0)
    expected = unit(np.array([0.6, 0, 0, 1 / np.sqrt(2), 0, 0]))
    assert np.allclose(moved.dense(), expected, atol=1e-6)
    assert (moved.values > 0).all()


def test_too_few_and_equal_examples_are_refused() -> None:
    with pytest.raises(SettingError, match="like: 4 examples"):
        learn_direction(LIKED[:4], UNLIKED, GROUPS[:34])
    same = [np.ones(3, np.float32)] * 5
    with pytest.raises(SettingError, match="do not differ"):
        learn_direction(same, same, list("abcdefghij"))
    with pytest.raises(ValueError, match="bag of words"):
        steer(LIKED[0], bag(LIKED[1]), 1.0)
