"""Facts about filters: what they return is what filtering the whole ranking returns, for every ranker."""

import random
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.drawings import draw_numbered
from support.rankers import KINDS, bags, filled
from support.stand_ins import Words

from retrieval.errors import SettingError
from retrieval.index.writer import IndexWriter
from retrieval.metadata.filter import Condition
from retrieval.metadata.label_table import LabelTable

N = 24


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    from retrieval.baselines import ColourHistogram, Thumbnail

    place = tmp_path_factory.mktemp("where")
    folder = draw_numbered(place / "pictures", N)
    lines = ["path,label,modality,slice_thickness,patient"]
    for i in range(N):
        thickness = "" if i % 5 == 0 else str(i % 4 + 0.5)
        lines.append(
            f"{i}.png,{'a;b' if i % 3 == 0 else 'c'},{'CT' if i % 2 else 'MR'},{thickness},p{i // 2}"
        )
    (place / "labels.csv").write_text("\n".join([*lines, ""]))
    with IndexWriter.create(place / "index", factories={"words": Words}) as made:
        for representation in (Thumbnail(), ColourHistogram(), Words()):
            made.add_representation(representation)
        made.update([folder], jobs=1, labels=LabelTable.read(place / "labels.csv"))
        yield made


COMPARISONS = st.sampled_from(
    [
        "modality = 'CT'",
        "slice_thickness < 3",
        "slice_thickness is null",
        "label in ('a', 'x')",
        "id like '1%'",
        "patient != 'p3'",
        "rows >= 12",
        "cols = 999",
        '"slice_thickness" >= 2.5',
    ]
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=4,
)


@settings(max_examples=60)
@given(
    CONDITIONS, st.integers(0, N - 1), st.integers(1, N), st.sampled_from(["thumbnail", "colour", "words"])
)
def test_a_filter_returns_what_filtering_the_whole_ranking_returns(index, condition, query, k, by):
    whole = index.query(f"{query}.png", by=[by], k=1000)
    table = {
        name: index.ask(lambda s, n=name: s.columns.values(n)) for name in Condition.parse(condition).columns
    }
    passes = {
        n for n, holds in zip(index.names, Condition.parse(condition).holds(table), strict=True) if holds
    }
    expected = [(hit.id, hit.score) for hit in whole if hit.id in passes][:k]
    found = index.query(f"{query}.png", by=[by], k=k, where=condition)
    assert [(hit.id, hit.score) for hit in found] == expected


@settings(max_examples=30)
@given(CONDITIONS, st.integers(0, N - 1), st.integers(1, 9))
def test_filters_and_cases_and_fusion_go_together(index, condition, query, k):
    found = index.query(f"{query}.png", k=k, where=condition, group_by="patient")
    among = [hit.id for hit in index.query(f"{query}.png", k=1000, where=condition)]
    firsts = list(dict.fromkeys(int(name.partition(".")[0]) // 2 for name in among))
    assert [int(hit.id.partition(".")[0]) // 2 for hit in found] == firsts[:k]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_one_picture_in_ten_thousand_is_found_by_every_ranker(kind):
    matrix = bags(10_000)
    ranker = filled(kind, matrix)
    query = kind.vector(matrix[5])
    whole = ranker.rank(query, len(matrix))
    among = np.zeros(len(matrix), dtype=bool)
    among[np.random.default_rng(0).choice(len(matrix), 2, replace=False)] = True
    kept = among[whole.ids]
    for k in (1, 2, 10):
        found = ranker.rank(query, k, among)
        assert found.ids.tolist() == whole.ids[kept][:k].tolist()
        assert found.scores.tolist() == whole.scores[kept][:k].tolist()


NASTY = [
    "id = 'x'; drop table picture",
    "id = 'x' union select * from meta",
    "id = (select value from meta)",
    "id = 'x' -- comment",
    "id = 'x' /* */",
    "load_extension('x') = 1",
    "id = char(65)",
    "attach 'x' as y",
    "pragma writable_schema = 1",
    "id glob '*'",
    "id = ?",
    "id = :name",
    "1 = 1",
    "id || 'x' = 'y'",
    "__class__ = 1",
    "id.__class__ = 1",
    "meta.value = 'x'",
    "salt = 'x'",
    "\"; drop table meta; --\" = 'x'",
]


@pytest.mark.parametrize("text", NASTY)
def test_what_is_no_condition_on_a_column_is_refused_and_changes_nothing(index, text):
    with pytest.raises(SettingError):
        index.query("0.png", by=["words"], where=text)
    assert len(index) == N and index.verify() == []


def test_fuzzed_conditions_are_answered_or_refused(index):
    lot = random.Random(0)
    words = [
        "id",
        "label",
        "and",
        "or",
        "not",
        "in",
        "like",
        "is",
        "null",
        "(",
        ")",
        ",",
        "=",
        "<",
        ">=",
        "'a'",
    ]
    words += [
        "'",
        '"',
        "''",
        "1e999",
        "-3",
        ";",
        "--",
        "\x00",
        "%",
        "🩻",
        "\u202e",
        "modality",
        "]",
        "{",
        "\\",
    ]
    for _ in range(600):
        text = " ".join(lot.choices(words, k=lot.randint(0, 9)))
        if lot.random() < 0.3:
            text += "".join(lot.choices(string.printable, k=lot.randint(1, 20)))
        try:
            hits = index.query("0.png", by=["thumbnail"], k=N, where=text)
        except SettingError as error:
            assert "\n" not in str(error) or "\n" in text
        else:
            table = {n: index.ask(lambda s, n=n: s.columns.values(n)) for n in Condition.parse(text).columns}
            assert len(hits) == Condition.parse(text).holds(table).sum()
