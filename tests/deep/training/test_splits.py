"""Splits: no patient stands on both sides, whatever the table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deep.training.splits import ENOUGH, Split, split
from retrieval.errors import FitError, SettingError

rows = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 12), st.sampled_from(["", "train", "val", "test"])),
    min_size=4,
    max_size=60,
)


def attempt(table: list[tuple[str, int, str]], with_sides: bool, seed: int) -> Split | None:
    labels, groups, sides = zip(*table, strict=True)
    try:
        return split(labels, [str(g) for g in groups], sides if with_sides else None, 0.25, seed)
    except (FitError, SettingError):
        return None


@settings(max_examples=300)
@given(rows, st.booleans(), st.integers(0, 5))
def test_no_group_is_on_both_sides_and_the_test_is_on_neither(
    table: list[tuple[str, int, str]], with_sides: bool, seed: int
) -> None:
    found = attempt(table, with_sides, seed)
    if found is None:
        return
    groups = np.array([group for _, group, _ in table])
    assert not set(groups[found.training]) & set(groups[found.validation])
    assert not set(found.training) & set(found.validation)
    if with_sides:
        sides = np.array([side for _, _, side in table])
        assert "test" not in sides[np.concatenate([found.training, found.validation])]
        assert "train" not in sides[found.validation] or "val" not in sides
        assert "val" not in sides[found.training]
    learnt = [table[i][0] for i in found.training]
    assert min(learnt.count(label) for label in set(learnt)) >= 2


@given(st.lists(st.integers(ENOUGH, 15), min_size=2, max_size=5), st.integers(1, 3), st.integers(0, 3))
def test_every_class_of_enough_groups_is_asked_for_and_learnt_from(
    n_groups: list[int], n_each: int, seed: int
) -> None:
    labels = [str(c) for c, n in enumerate(n_groups) for _ in range(n * n_each)]
    groups = [f"{c}-{g}" for c, n in enumerate(n_groups) for g in range(n) for _ in range(n_each)]
    found = split(labels, groups, None, 0.2, seed)
    for side in (found.training, found.validation):
        for label in set(labels):
            assert len({groups[i] for i in side if labels[i] == label}) >= 2
    assert len(found.training) + len(found.validation) == len(labels)
    assert found.notes == ()


def test_the_share_holds_in_every_class() -> None:
    labels = ["a"] * 100 + ["b"] * 40
    found = split(labels, [str(i) for i in range(140)], None, 0.2, 0)
    held = [labels[i] for i in found.validation]
    assert (held.count("a"), held.count("b")) == (20, 8)


def test_the_seed_decides_and_repeats() -> None:
    labels, groups = ["a", "b"] * 30, [str(i) for i in range(60)]
    one, again, other = (split(labels, groups, seed=seed).validation.tolist() for seed in (1, 1, 2))
    assert one == again != other


def test_what_the_table_says_is_held_to() -> None:
    labels = ["a", "a", "b", "b"] * 3
    sides = ["train"] * 4 + ["val"] * 4 + ["Test"] * 4
    found = split(labels, [str(i) for i in range(12)], sides)
    assert (found.training.tolist(), found.validation.tolist()) == ([0, 1, 2, 3], [4, 5, 6, 7])


def test_an_empty_side_follows_its_patient_into_the_validation() -> None:
    labels = ["a", "a", "b", "b", "a", "a", "b", "b", "a"]
    groups = ["0", "1", "2", "3", "4", "5", "6", "7", "4"]
    found = split(labels, groups, ["train"] * 4 + ["val"] * 4 + [""])
    assert found.validation.tolist() == [4, 5, 6, 7, 8]


def test_a_patient_that_the_table_puts_on_both_sides_is_named() -> None:
    with pytest.raises(SettingError, match="'p1' is in train and in val"):
        split(["a", "b", "a"], ["p0", "p1", "p1"], ["train", "train", "val"])


def test_an_unknown_side_is_named() -> None:
    with pytest.raises(SettingError, match="'tset' is unknown"):
        split(["a", "b"], ["0", "1"], ["train", "tset"])


def test_a_class_of_one_picture_is_left_out_and_named() -> None:
    labels = ["a", "b"] * 10 + ["rare"]
    found = split(labels, [str(i) for i in range(21)])
    assert 20 not in found.training and 20 not in found.validation
    assert found.notes == (
        "not learnt from, with one image in the class: rare",
        "not validated, for want of patients or groups held out: rare",
    )


def test_too_few_groups_to_hold_any_out_are_refused() -> None:
    with pytest.raises(FitError, match="nothing to validate with"):
        split(["a", "b"] * 9, ["pa", "pb"] * 9)


def test_one_class_is_refused() -> None:
    with pytest.raises(FitError, match="at least two classes"):
        split(["a"] * 9, [str(i) for i in range(9)])
