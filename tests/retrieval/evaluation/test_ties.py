"""Facts about ties in an evaluation: the names of files decide nothing."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.main import main
from retrieval.evaluation import EvaluationOptions, evaluate
from retrieval.evaluation.irma import Code, IrmaError
from retrieval.evaluation.protocols import Denner, MedMnist
from retrieval.evaluation.ranking_scores import Standard
from retrieval.evaluation.relevance import Judgements
from retrieval.evaluation.scored_query import ScoredQuery
from retrieval.evaluation.tied_orders import DRAWS, first_hits
from retrieval.index import Index
from retrieval.metadata.label_table import LabelTable
from retrieval.ranker import Ranking

NAMINGS = {
    "by_class": [f"{c}_{i}_{c}.png" for c in "ab" for i in range(5)],
    "mixed": [f"{i}_{c}.png" for i in range(5) for c in "ab"],
    "lucky": [f"{i}_{c}.png" for i, c in enumerate("aabbbbbaaa")],
}
LABELS = ["1-1", "1-1", "1-2", "2-1", "1-1", "2-2", "1-2"]
SCORES = [5, 4, 4, 4, 2, 2]


def answer(order: tuple[int, ...], scores: list[int] = SCORES) -> ScoredQuery:
    ranking = Ranking(np.array(order), np.array(scores, dtype=np.float32))
    return ScoredQuery(0, ranking, Judgements([(label,) for label in LABELS]))


def orders() -> list[tuple[int, ...]]:
    return [(1, *a, *b) for a in permutations((2, 3, 4)) for b in permutations((5, 6))]


@pytest.mark.parametrize(
    "measures", [Standard((1, 2, 3, 5)), MedMnist(), Denner(), IrmaError(Code(sorted(set(LABELS))), 3)]
)
def test_a_measure_is_its_mean_over_the_orders_of_tied_hits(measures):
    one_by_one = [measures.score(answer(order, [6, 5, 4, 3, 2, 1])) for order in orders()]
    for order in orders():
        assert measures.score(answer(order)) == pytest.approx(np.mean(one_by_one, axis=0))


def test_orders_are_drawn_if_there_are_too_many():
    n = 40
    judgements = Judgements([(f"class {i % 20}",) for i in range(n)])
    ranking = Ranking(np.arange(1, n), np.ones(n - 1, dtype=np.float32))
    found = first_hits(ScoredQuery(0, ranking, judgements), 10)
    assert len(found) == DRAWS
    assert all(len(set(one.positions)) == 10 for one in found)
    shares = Standard((1, 10)).score(ScoredQuery(0, ranking, judgements))
    values = dict(zip(Standard((1, 10)).names, shares, strict=True))
    assert values["MV@1"] == pytest.approx(values["P@1"]) == pytest.approx(1 / 39)  # each sequence of one


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the indexes of ten equal images of two classes, under three namings."""
    root, made = tmp_path_factory.mktemp("ties"), {}
    for name, files in NAMINGS.items():
        (root / name).mkdir()
        for file in files:
            Image.fromarray(np.zeros((16, 16), np.uint8)).save(root / name / file)
        table = root / f"{name}.csv"
        table.write_text("path,label\n" + "".join(f"{file},{file[-5]}\n" for file in files))
        made[name] = root / f"{name}.index"
        command = ["index", str(root / name), "-o", str(made[name]), "--by", "thumbnail", "--by", "colour"]
        assert main([*command, "--labels", str(table), "--jobs", "1"]) == 0
    return made


def test_a_measure_does_not_depend_on_the_names_of_files(indexes):
    harmonic = sum(1 / i for i in range(1, 10))
    expected = 3 / 8 + harmonic / 9 * (1 - 3 / 8)  # of a random order of 4 right of 9
    for path in indexes.values():
        with Index.open(path) as index:
            found = evaluate(index, EvaluationOptions(by=("thumbnail", "colour"), baselines=False))
        for system in found.values:
            assert found.mean(system, "mAP") == pytest.approx(expected, abs=1e-9), system
            assert found.mean(system, "MV@1") == pytest.approx(4 / 9)
        assert found.ties == dict.fromkeys(found.values, 1.0)


def test_it_says_how_many_scores_tie(indexes, capsys):
    assert main(["evaluate", str(indexes["mixed"]), "--by", "thumbnail", "--no-baselines"]) == 0
    assert "scores that tie: thumbnail 100.0 %" in capsys.readouterr().err


def test_a_learnt_fusion_does_not_depend_on_the_names_of_files():
    """What is tied in one of two rankings gives the same weights in any order of the images."""
    from retrieval.answers.weight_learning import learn_weights

    rng = np.random.default_rng(0)
    scores = rng.integers(0, 3, (2, 8, 12)).astype(np.float32) / 2
    relevant = rng.random((8, 12)) < 0.4
    relevant[:, 0] = True
    weights = learn_weights(scores, relevant)
    for _ in range(5):
        order = rng.permutation(12)
        assert learn_weights(scores[:, :, order], relevant[:, order]) == pytest.approx(weights)


def test_labels_are_read_from_a_table_as_well(indexes, tmp_path):
    with Index.open(indexes["mixed"]) as index:
        table = tmp_path / "labels.csv"
        table.write_text("path,label\n" + "".join(f"{name},{name[-5]}\n" for name in index.names))
        options = EvaluationOptions(by=("thumbnail",), labels=LabelTable.read(table), baselines=False)
        assert evaluate(index, options).mean("thumbnail", "P@1") == pytest.approx(4 / 9)
