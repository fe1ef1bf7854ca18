"""Facts about judgements: which answers are right, by plain labels and by codes in levels."""

import pytest

from retrieval.errors import SettingError
from retrieval.evaluation import Judgements


def test_the_order_of_labels_makes_no_other_class():
    judged = Judgements([("b", "a"), ("a", "b"), ("a",)])
    assert judged.classes == ["a;b", "a;b", "a"]
    assert judged.labels[0] == judged.labels[1]


def test_labels_several_and_codes():
    plain = Judgements([("a", "b"), ("a",), ("b", "a"), (), ("c",)])
    assert plain.gains(0).tolist() == [2, 1, 2, 0, 0]
    assert plain.gains(3).tolist() == [0] * 5
    codes = [("1/2/3",), ("1/2/4",), ("1/5/3",), ("2/2/3",), ("1/2",), ()]
    assert Judgements(codes, "/").gains(0).tolist() == [1, 0, 0, 0, 0, 0]
    assert Judgements(codes, "/", 1).gains(0).tolist() == [3, 2, 1, 0, 2, 0]
    assert Judgements(codes, "/", 2).gains(0).tolist() == [2, 1, 0, 0, 1, 0]
    assert Judgements([("12",), ("13",), ("2",)], "", 1).gains(0).tolist() == [2, 1, 0]
    assert Judgements([("12",), ("13",)], "", 1).is_right(0, "19")
    assert not Judgements([("12",), ("13",)], "").is_right(0, "13")
    with pytest.raises(SettingError, match="depth"):
        Judgements(codes, "/", 0)
