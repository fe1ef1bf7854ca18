"""Batches of P classes with K pictures each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deep.training.batch_sampler import Batches, for_batch
from retrieval.errors import SettingError

counts = st.lists(st.integers(2, 23), min_size=2, max_size=6)


@given(counts, st.integers(2, 5), st.integers(2, 6), st.integers(0, 3))
def test_each_batch_is_of_so_many_classes_and_each_picture_is_reached(
    counts: list[int], classes: int, pictures: int, epoch: int
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    batches = list(Batches(labels, classes, pictures).epoch(epoch))
    for batch in batches:
        found, n = np.unique(labels[batch], return_counts=True)
        assert len(found) == min(classes, len(counts))
        assert set(n) == {pictures}
        for label in found:
            own = batch[labels[batch] == label]
            assert len(set(own)) == min(pictures, counts[label])
    assert set(np.concatenate(batches)) == set(range(len(labels)))
    assert len(batches) == len(Batches(labels, classes, pictures))


def test_seed_and_epoch_decide_the_batches() -> None:
    labels = np.repeat([0, 1, 2], 9)

    def drawn(seed: int, epoch: int) -> list[list[int]]:
        return [batch.tolist() for batch in Batches(labels, 2, 4, seed).epoch(epoch)]

    assert drawn(1, 5) == drawn(1, 5)
    assert drawn(1, 5) != drawn(1, 6)
    assert drawn(1, 5) != drawn(2, 5)


def test_a_large_class_does_not_crowd_out_a_small_one() -> None:
    labels = np.repeat([0, 1], [40, 2])
    batches = list(Batches(labels, 2, 4).epoch(0))
    assert len(batches) == 10
    assert all(np.count_nonzero(labels[batch] == 1) == 4 for batch in batches)


@pytest.mark.parametrize(
    "batch,classes,n_classes,expected", [(32, 8, 4, (4, 8)), (32, 8, 20, (8, 4)), (4, 8, 9, (2, 2))]
)
def test_a_batch_size_becomes_classes_and_pictures(
    batch: int, classes: int, n_classes: int, expected: tuple[int, int]
) -> None:
    found = for_batch(np.repeat(np.arange(n_classes), 5), batch, classes, 0)
    assert (found.classes, found.pictures) == expected


def test_one_class_and_single_pictures_are_refused() -> None:
    with pytest.raises(SettingError, match="one class only"):
        Batches(np.zeros(5, dtype=np.int64), 2, 2)
    with pytest.raises(SettingError, match="2 or more"):
        Batches(np.array([0, 1]), 2, 1)
