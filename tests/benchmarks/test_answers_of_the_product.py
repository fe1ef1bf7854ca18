"""Benchmarks of answers measure the rules that the product answers by."""

from __future__ import annotations

import numpy as np

from benchmarks.quality.classify import Collection, Mask
from benchmarks.quality.enrichment import significant
from retrieval.ranker import Ranking


class Tied(Collection):
    """Three labelled images, of which the other two are as near to the first."""

    def __init__(self) -> None:
        self.labels, self.groups = [("a",), ("a",), ("b",)], np.array(["1", "2", "3"])

    def ranking(self, query: int, among: Mask) -> Ranking:
        return Ranking(np.array([1, 2]), np.array([0.5, 0.5], dtype=np.float32))


def test_images_that_tie_with_the_last_vote_vote_too() -> None:
    assert Tied().voted(0, np.ones(3, dtype=bool), 1) == (0.5, True)


def test_cases_are_compared_with_those_of_as_many_images() -> None:
    # Cases of eight images are found more easily, and all of them carry the label; small ones never do.
    labels = {f"large {i}": {"x"} for i in range(10)} | {f"small {i}": {"y"} for i in range(90)}
    sizes = {name: 8 if name.startswith("large") else 1 for name in labels}
    found = [f"large {i}" for i in range(5)]
    assert significant(labels, sizes, "small 0", found) == set()
    assert significant(labels, dict.fromkeys(labels, 1), "small 0", found) == {"x"}
