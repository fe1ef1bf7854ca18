"""The published protocols, each against values worked out by hand."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from cli.main import main
from retrieval.errors import SettingError
from retrieval.evaluation.irma import Code, IrmaError, predict
from retrieval.evaluation.protocols import Denner, MedMnist, protocol
from retrieval.evaluation.ranking_scores import Standard, majority, means
from retrieval.evaluation.relevance import Judgements
from retrieval.evaluation.scored_query import ScoredQuery
from retrieval.ranker import Ranking


def answer(labels: list[str]) -> ScoredQuery:
    """Return the answer to the first picture that ranks the others in their order."""
    n = len(labels) - 1
    ranking = Ranking(np.arange(1, n + 1), np.arange(n, 0, -1, dtype=np.float32))
    return ScoredQuery(0, ranking, Judgements([(label,) for label in labels]))


@pytest.mark.parametrize(
    ("hits", "wanted"),
    [
        # ACC@1, ACC@3, ACC@5, mMV@5 (a tie of two and two counts as right), mAP@5 over the hits found in five
        ("babac", [0, 1, 1, 1, (1 / 2 + 2 / 4) / 2]),
        ("bbbaa", [0, 0, 1, 0, (1 / 4 + 2 / 5) / 2]),
        ("abbbb", [1, 1, 1, 0, 1]),
        ("bcbcb", [0, 0, 0, 0, 0]),
        ("aaaaa", [1, 1, 1, 1, 1]),
        ("bbbbbaaa", [0, 0, 0, 0, 0]),
    ],
)
def test_medmnist(hits, wanted):
    assert MedMnist().score(answer(["a", *hits])) == pytest.approx(wanted)


def test_denner_caps_at_the_size_of_the_class():
    found = dict(zip(Denner().names, Denner().score(answer(["a", *"bababbbbbbb"])), strict=True))
    assert found == {
        "P@1, capped": 0,
        "P@3, capped": 1 / 2,
        "P@5, capped": 2 / 2,
        "P@10, capped": 2 / 2,
    }
    plain = dict(zip(Standard().names, Standard().score(answer(["a", *"bababbbbbbb"])), strict=True))
    assert plain["P@10"] == 2 / 10
    assert np.isnan(Denner().score(answer(["a", *"bbb"]))).all()


def test_micro_and_macro_differ_where_classes_do():
    values = np.array([1.0, 1.0, 1.0, 0.0, np.nan])
    assert means(values) == 0.75
    assert means(np.array([means(values[:3]), means(values[3:])])) == 0.5


def test_a_majority_of_equals_is_the_better_hit():
    judgements = Judgements([(x,) for x in "abbaac"])
    assert majority(judgements, [1, 2, 3, 4]) == "b"
    assert majority(judgements, [5, 3, 1]) == "c"
    assert majority(judgements, []) is None


CODES = ("1111-111", "1112-111", "1121-111", "1131-111", "2111-121", "2111-122")
"""Axis 1: 2 labels at place 1; after 1: 1; after 11: 3; after 111: 2. Axis 2: 1, 2; after 12: 2."""


@pytest.mark.parametrize(
    ("predicted", "first", "second"),
    [
        ("1111-111", 0.0, 0.0),
        ("1112-111", 1 / 8, 0.0),  # (1/2)(1/4)
        ("111*-111", 0.5 / 8, 0.0),
        ("1121-111", 1 / 9 + 1 / 8, 0.0),  # all places after a wrong one are wrong
        ("11**-111", 0.5 * (1 / 9 + 1 / 8), 0.0),
        ("11*1-111", 0.5 * (1 / 9 + 1 / 8), 0.0),
        ("2111-111", 1 / 2 + 1 / 2 + 1 / 9 + 1 / 8, 0.0),
        ("****-***", 0.5 * (1 / 2 + 1 / 2 + 1 / 9 + 1 / 8), 0.5 * (1 + 1 / 4 + 1 / 3)),
        ("1111-121", 0.0, 1 / 4 + 1 / 3),
        ("2222-222", 1 / 2 + 1 / 2 + 1 / 9 + 1 / 8, 1 + 1 / 4 + 1 / 3),
    ],
)
def test_the_irma_error_by_hand(predicted, first, second):
    worst = (1 / 2 + 1 / 2 + 1 / 9 + 1 / 8, 1 + 1 / 4 + 1 / 3)  # b: 2, 1, 3, 2 and 1, 2, 1
    wanted = (first / worst[0] + second / worst[1]) / 2
    assert Code(CODES).error("1111-111", predicted) == pytest.approx(wanted)


def test_flat_labels_cost_one_and_half():
    code = Code(["a", "b", "c"])
    assert [code.error("a", guess) for guess in ("a", "b", "*")] == [0, 1, 0.5]


def test_codes_of_other_shapes_are_refused():
    with pytest.raises(SettingError, match="axes"):
        Code(["1111-111", "111-111"])
    with pytest.raises(SettingError, match="prediction"):
        Code(CODES).error("1111-111", "1111")
    with pytest.raises(SettingError, match="wants one"):
        protocol("irma", Judgements([("1111-111", "1112-111")]))
    with pytest.raises(SettingError, match="unknown"):
        protocol("mine", Judgements([("a",)]))


@pytest.mark.parametrize(
    ("neighbours", "wanted"),
    [
        (["1111-111"], "1111-111"),
        (["1111-111", "1112-111"], "1111-111"),  # a half is enough, and the nearer one goes first
        (["1111-111", "1112-111", "1121-121"], "111*-111"),
        (["1111-111", "2112-122", "3121-133"], "****-1**"),
    ],
)
def test_predictions_by_hand(neighbours, wanted):
    assert predict(neighbours) == wanted


def test_the_error_of_a_ranking():
    labels = [("1111-111",), ("1111-111",), ("1112-111",), ("2111-121",)]
    ranking = Ranking(np.array([1, 2, 3]), np.array([3, 2, 1], dtype=np.float32))
    measure = IrmaError(Code(CODES), neighbours=3)
    error, wrong, unknown = measure.score(ScoredQuery(0, ranking, Judgements(labels)))
    assert error == pytest.approx(0.5 * (0.5 / 8) / (1 / 2 + 1 / 2 + 1 / 9 + 1 / 8))
    assert (wrong, unknown) == (1, 1 / 7)


def test_a_holder_of_the_data_gets_the_score_by_one_command(tmp_path: Path, capsys) -> None:
    """Train is the database and test asks; the score is the sum of ``error`` over the queries."""
    (tmp_path / "films").mkdir()
    rows = []
    for i in range(16):
        code = CODES[i % 4]
        level = 40 + 50 * (i % 4)
        pixels = np.full((32, 32), level, np.uint8)
        pixels[8 : 12 + 4 * (i % 4), 8:20] = 255 - level
        assert cv2.imwrite(str(tmp_path / "films" / f"{i}.png"), pixels)
        rows.append([f"{i}.png", code, "train" if i < 12 else "test"])
    with (tmp_path / "irma.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "label", "split"], *rows])
    index = str(tmp_path / "i")
    films, table = str(tmp_path / "films"), str(tmp_path / "irma.csv")
    assert main(["index", films, "-o", index, "--by", "thumbnail", "--labels", table, "--jobs", "1"]) == 0
    capsys.readouterr()
    assert main(["evaluate", index, "--by", "thumbnail", "--protocol", "irma", "--no-baselines"]) == 0
    head, line = capsys.readouterr().out.splitlines()[:2]
    assert head.split()[:3] == ["by", "error", "sum"] and line.split()[:3] == ["thumbnail", "0.0", "0.00"]
    command = ["evaluate", index, "--by", "thumbnail", "--protocol", "irma", "--no-baselines", "--csv"]
    assert main(command) == 0
    told = capsys.readouterr()
    lines = {tuple(row[:3]): row for row in csv.reader(told.out.splitlines())}
    assert lines["thumbnail", "error", ""][3:5] == ["4", "0.000000"]
    assert "4 queries of 4 classes, 12 images to find" in told.err
    for name in ("medmnist", "denner"):
        assert main(["evaluate", index, "--by", "thumbnail", "--protocol", name, "--csv"]) == 0
        rows_told = list(csv.reader(capsys.readouterr().out.splitlines()))
        first = [row for row in rows_told if row[0] == "thumbnail" and row[1] in ("ACC@1", "P@1, capped")]
        assert {row[4] for row in first} == {"1.000000"}
