"""Facts about the language of conditions."""

import operator
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import SettingError
from retrieval.metadata.filter import Condition

ROWS = {
    "modality": [("CT",), ("MR",), (), ("ct",)],
    "kvp": [(120.0,), (), (80,), (100,)],
    "label": [("lung", "heart"), ("brain",), (), ("it's",)],
    "patient": [(3,), ("3",), ("003",), ("p4",)],
    "age": [("9",), ("63",), ("0x1",), ("63.0",)],
    "site": [("1.1",), ("1.10",), ("12345678901234567",), ("12345678901234568",)],
    "view position": [("PA",), ("AP",), (), ("PA",)],
}


def held(text):
    return Condition.parse(text).holds(ROWS).nonzero()[0].tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("modality = 'CT'", [0]),
        ("modality == 'CT'", [0]),
        ("modality != 'CT'", [1, 3]),
        ("modality <> 'CT'", [1, 3]),
        ("kvp >= 100", [0, 3]),
        ("kvp < 1e2", [2]),
        ("kvp = 120", [0]),
        ("kvp = '120'", [0]),
        ("kvp >= '100'", [0, 3]),
        ("kvp < '1e2'", [2]),
        ("kvp <= '80'", [2]),
        ("kvp like '12_'", [0]),
        ("kvp in (80, 100)", [2, 3]),
        ("kvp not in (80, 100)", [0]),
        ("modality like 'c%'", [0, 3]),
        ("modality not like 'c%'", [1]),
        ("modality like '_R'", [1]),
        ("modality like 'C.'", []),
        ("modality is null", [2]),
        ("modality is not null", [0, 1, 3]),
        ("label = 'heart'", [0]),
        ("label != 'heart'", [1, 3]),
        ("label in ('heart', 'brain')", [0, 1]),
        ("label = 'it''s'", [3]),
        ("patient = 3", [0, 1]),
        ("patient = '3'", [0, 1]),
        ("age > 60", [1, 3]),
        ("age >= 9 and age < 63", [0]),
        ("age = 63", [1, 3]),
        ("age != 63", [0, 2]),
        ("age = '63'", [1]),
        ("age in (9, 63.0)", [0, 1, 3]),
        ("age in ('9', '63.0')", [0, 3]),
        ("age like '63%'", [1, 3]),
        ("age > 'a'", []),
        ("age > '100'", []),
        ("age >= '63'", [1, 3]),
        ("site > '12345678901234567'", [3]),
        ("site = '1.1'", [0]),
        ("site = '1.10'", [1]),
        ("site = 1.1", [0, 1]),
        ("site = 12345678901234567", [2]),
        ("site > 12345678901234567", [3]),
        ("not modality = 'CT'", [1, 2, 3]),
        ("not not modality = 'CT'", [0]),
        ("modality = 'CT' or modality = 'MR' and kvp = 1", [0]),
        ("(modality = 'CT' or modality = 'MR') and kvp is null", [1]),
        ("\"view position\" = 'PA' AND NOT kvp > 110", [3]),
        ("  kvp=120  ", [0]),
        ("kvp = -1 or kvp = .8e2", [2]),
    ],
)
def test_a_condition_holds_where_it_should(text, rows):
    assert held(text) == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the end at position 1"),
        ("modality", "the end at position 9"),
        ("modality =", "expected a number or a text in single quotes"),
        ("modality = CT", "'CT' at position 12"),
        ("modality = 'CT", '"\'" at position 12'),
        ("kvp = 3 kvp = 4", "'kvp' at position 9"),
        ("(kvp = 3", "expected ')'"),
        ("kvp in ()", "')' at position 9"),
        ("kvp in 3", "expected '('"),
        ("kvp is 3", "expected 'null'"),
        ("kvp like", "expected a number or a text"),
        ("kvp not 3", "expected a comparison"),
        ("= 3", "'=' at position 1"),
        ("kvp = 3; drop table picture", "';' at position 8"),
        ("kvp = 3kv", "position"),
        ("and kvp = 3", "'and' at position 1"),
        ("__import__('os')", "'(' at position 11"),
        ("(" * 500 + "kvp = 3" + ")" * 500, "nested deeper than 100"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_position(text, message):
    with pytest.raises(SettingError) as caught:
        Condition.parse(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("where: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kvp < 'abc'", "where: kvp < 'abc': kvp holds numbers; compare it with a number, without quotes"),
        ("kvp != 'abc'", "kvp holds numbers"),
        ("kvp in (80, 'abc')", "kvp in 'abc'"),
        ("kvp not in ('abc')", "kvp holds numbers"),
        ("ages >= 'old'", "ages holds numbers"),
        ("modality = 'CT' or modality > 5", "modality > 5: modality holds texts"),
        ("not modality = 5", "compare it with a text in single quotes, '5'"),
    ],
)
def test_what_nothing_in_a_column_can_be_compared_with_is_refused(text, message):
    with pytest.raises(SettingError, match=re.escape(message)):
        Condition.parse(text).holds({**ROWS, "ages": [("9",), (), ("63.0",), ("100",)]})


@pytest.mark.parametrize("text", ["ages = 'old'", "nothing < 'abc'", "nothing = 5", "kvp like 'a%'"])
def test_what_nobody_has_today_is_no_mistake(text):
    rows = {**ROWS, "ages": [("9",), ("63.0",)], "nothing": [(), ()]}
    assert not Condition.parse(text).holds(rows).any()


def test_values_that_no_row_has_are_known():
    asked = Condition.parse("modality = 'Ct' or label in ('lung', 'Brain') and not kvp = 80 or kvp < 3")
    assert asked.unknown_values(ROWS) == [("modality", "Ct"), ("label", "Brain")]


def test_many_negations_and_parts_are_no_burden():
    assert held("not " * 20_000 + "kvp = 120") == [0]
    assert held(" or ".join(["kvp = 120"] * 5_000)) == [0]


@pytest.mark.parametrize("test", ["= '{}'", "in ('x', '{}')", "like '{}'", "like '_dem'", ">= '{}'"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_with_accents_are_the_same_however_they_are_composed(test, form):
    rows = {"label": [(unicodedata.normalize(other, "ödem"),) for other in ("NFC", "NFD")]}
    text = f"label {test.format(unicodedata.normalize(form, 'ödem'))}"
    assert Condition.parse(text).holds(rows).all()


def test_columns_are_named_once_in_order():
    assert Condition.parse("b = 1 and a = 2 or b = 3").columns == ("b", "a")


def test_no_rows_give_no_answer():
    assert Condition.parse("kvp = 1").holds({"kvp": []}).shape == (0,)


@given(
    st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=20),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
    st.integers(-5, 5),
)
def test_comparisons_agree_with_python(values, sign, literal):
    compare = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le}
    compare |= {">": operator.gt, ">=": operator.ge}
    rows = [() if v is None else (v,) for v in values]
    found = Condition.parse(f"x {sign} {literal}").holds({"x": rows})
    assert found.tolist() == [v is not None and compare[sign](v, literal) for v in values]


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        found = Condition.parse(text).columns
    except SettingError as error:
        assert "\n" not in str(error).replace(repr(text), "")
    else:
        assert found


@given(st.text(max_size=10), st.text(max_size=5))
def test_any_text_can_be_quoted(value, other):
    quoted = value.replace("'", "''")
    found = Condition.parse(f"x = '{quoted}'").holds({"x": [(value,), (other,)]})
    value, other = (unicodedata.normalize("NFC", text) for text in (value, other))
    assert found.tolist() == [True, value == other]
    assert found.dtype == np.bool_
