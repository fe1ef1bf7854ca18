"""Facts about paired tests, by hand and under the null hypothesis."""

import numpy as np
import pytest

from retrieval.errors import SettingError
from retrieval.statistics.paired_tests import compare, randomisation_test


def test_the_randomisation_test_by_hand():
    assert randomisation_test([1.0, 1.0, 1.0]) == 2 / 8
    assert randomisation_test([1.0, -1.0]) == 1
    assert randomisation_test([0.0, np.nan]) == 1
    assert randomisation_test([1.0, 1.0, 1.0], ["a", "a", "a"]) == 1
    many = np.ones(40)
    assert randomisation_test(many) == pytest.approx(1 / 10_001)
    with pytest.raises(SettingError, match="groups"):
        randomisation_test([1.0], [1, 2])


def test_under_the_null_p_values_are_even():
    rng = np.random.default_rng(0)
    p = [randomisation_test(rng.normal(size=30), draws=500, seed=i) for i in range(300)]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.10
    assert 0.4 <= np.mean(p) <= 0.6


def test_comparisons_are_corrected_together():
    rng = np.random.default_rng(0)
    base = rng.normal(size=50)
    found = compare({"a": base, "b": base + 0.5 + rng.normal(size=50) * 0.1, "c": base + 0.01})
    assert [(c.first, c.second) for c in found] == [("b", "a"), ("c", "a"), ("b", "c")]
    assert all(c.adjusted >= c.p for c in found)
    assert max(c.adjusted for c in found if "b" in (c.first, c.second)) < 0.01
