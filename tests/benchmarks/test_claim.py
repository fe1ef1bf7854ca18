"""The comparison of detectors at equal budgets measures what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")

from benchmarks.quality import claim, claim_cells
from benchmarks.shared import descriptors_of_sets
from benchmarks.shared.labelled_sets import Item, Set, drawn
from benchmarks.shared.leave_one_out import judged
from retrieval.statistics.paired_tests import Comparison

LABELS = ("a", "a", "b", "a")
DATA = Set(
    "tiny", tuple(Item(Path(f"{i}.png"), f"{i}.png", label, str(i % 3)) for i, label in enumerate(LABELS))
)


def test_a_query_never_finds_its_own_group_and_of_equal_scores_the_mean_counts() -> None:
    scores = np.zeros((4, 4))
    scores[1] = [0.1, 9, 0.2, 0.1]
    precision, first, ten = judged(scores, DATA)
    # 0 and 3 are one group. 0 finds 1 (right) and 2, tied; 1 finds 2, then 0 and 3, tied, both right; 2 finds
    # nothing right; 3 as 0. Tied, the right one is first or second: (1 + 1/2) / 2.
    assert precision == pytest.approx([0.75, (1 / 2 + 2 / 3) / 2, np.nan, 0.75], nan_ok=True)
    assert first == pytest.approx([0.5, 0, np.nan, 0.5], nan_ok=True)
    assert ten == pytest.approx([0.1, 0.2, np.nan, 0.1], nan_ok=True)


def test_points_dealt_evenly_have_evenness_1_and_points_in_one_bin_0() -> None:
    assert descriptors_of_sets.evenness_of(np.array([2, 2, 2, 1])) == pytest.approx(1)
    assert descriptors_of_sets.evenness_of(np.array([7, 0, 0, 0])) == 0


def test_a_drawn_set_keeps_its_order_and_its_draw() -> None:
    some = drawn(DATA, 2)
    assert [item.name for item in some] == sorted(item.name for item in some)
    assert drawn(DATA, 2) == some
    assert drawn(DATA, 0) == DATA


def cell(detector: str, precisions: list[float], points: int = 400) -> claim_cells.Cell:
    seen = descriptors_of_sets.Described(np.empty((0, 0)), np.full(4, points), np.ones((1, 1)), 1.0, 1.0, 1.0)
    key = (detector, claim_cells.DEFAULTS[detector], 400, 16)
    return claim_cells.Cell(key, seen, np.array(precisions), np.array(precisions), (0.0, 1.0), 0.0)


def test_superpixels_are_compared_with_each_rival_and_a_loss_is_negative() -> None:
    cells = [cell("superpixel", [0.5, 0.5, 0.5, 0.5]), cell("sift", [0.75] * 4), cell("dense", [0.25] * 4)]
    found = claim.claims({each.key: each for each in cells}, DATA)
    differences = {theirs[0]: comparison.difference for (_, theirs), comparison in found.items()}
    assert differences == pytest.approx({"sift": -25, "dense": 25})
    # Three groups: 2 of 8 choices of signs are as far, and Holm doubles the smaller.
    assert [each.p for each in found.values()] == [0.25, 0.25]
    assert [each.adjusted for each in found.values()] == [0.5, 0.5]


def test_a_detector_that_finds_too_few_points_is_marked() -> None:
    assert cell("sift", [1], points=391).is_short
    assert not cell("sift", [1], points=392).is_short


def test_only_what_is_sure_counts_as_a_win_or_a_loss() -> None:
    from benchmarks.quality.claim_tables import verdict

    def found(difference: float, adjusted: float) -> Comparison:
        return Comparison("one", "other", difference, 0, 0, 0.01, adjusted)

    assert [verdict(found(*each)) for each in ((2, 0.01), (-2, 0.01), (2, 0.06))] == ["win", "loss", "tie"]
