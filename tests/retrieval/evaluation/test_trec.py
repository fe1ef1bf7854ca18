"""Every measure agrees with trec_eval, also where scores tie; run files say what we mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from retrieval.evaluation.ranking_scores import Standard
from retrieval.evaluation.relevance import Judgements
from retrieval.evaluation.scored_query import ScoredQuery
from retrieval.evaluation.trec import TrecFolder, falling, file_name, token
from retrieval.ranker import Ranking, order

ir_measures = pytest.importorskip("ir_measures")
pytrec_eval = pytest.importorskip("pytrec_eval")

THEIRS = {
    "mAP": "map",
    "R-prec": "Rprec",
    "nDCG@10": "ndcg_cut_10",
    "bpref": "bpref",
    "P@1": "P_1",
    "P@5": "P_5",
    "P@10": "P_10",
    "ACC@1": "success_1",
    "ACC@5": "success_5",
    "ACC@10": "success_10",
}
KINDS = st.lists(st.sampled_from(("a", "b", "c")), max_size=2, unique=True).map(tuple)


@given(
    st.lists(KINDS, min_size=2, max_size=30),
    st.integers(0, 2**32 - 1),
    st.sampled_from([2, 5, 1000]),
)
def test_measures_are_those_of_trec_eval(labels, seed, n_levels):
    """Multiple labels (graded gains), equal scores as they are written, and a query that nothing answers."""
    labels = [("a",), *labels]
    rng = np.random.default_rng(seed)
    ids = np.array([i for i, cell in enumerate(labels) if cell and i], dtype=np.int64)
    ranking = order(ids, rng.integers(0, n_levels, len(ids)).astype(np.float32), len(ids))
    judgements = Judgements(labels)
    written = Ranking(ranking.ids, falling(ranking.scores))
    ours = dict(zip(Standard().names, Standard().score(ScoredQuery(0, written, judgements)), strict=True))
    gains = judgements.gains(0)
    if not gains[ids].any():
        assert all(np.isnan(value) for value in ours.values())
        return
    qrels = {"q": {f"{i:03}": int(gains[i]) for i in ids}}
    run = {"q": {f"{i:03}": float(s) for i, s in zip(ranking.ids, falling(ranking.scores), strict=True)}}
    n_right = int((gains[ids] > 0).sum())
    wanted = {"map", "Rprec", "ndcg_cut.10", "bpref", "P.1,5,10", "success.1,5,10", f"map_cut.{n_right}"}
    theirs = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(run)["q"]
    for name, other in THEIRS.items():
        assert ours[name] == pytest.approx(theirs[other], abs=1e-6), name
    assert ours["MAP@R"] == pytest.approx(theirs[f"map_cut_{n_right}"], abs=1e-6)


@given(arrays(np.float32, st.integers(0, 60), elements=st.sampled_from([-1, -1e-3, 0, 1e-20, 0.5, 1, 1e6])))
def test_written_scores_fall_strictly_and_stay_near(scores):
    given = np.sort(scores)[::-1]
    told = falling(given)
    read = np.array([float(f"{s:.9g}") for s in told.tolist()], dtype=np.float32)
    assert (np.diff(read) < 0).all()
    assert np.allclose(told, given, rtol=1e-4, atol=1e-6)


def test_files_hold_ids_with_white_space(tmp_path):
    with TrecFolder(tmp_path, ["a & b, rrf"]) as files:
        files.judge("q 1", ["x y", "z%"], np.array([1, 0], dtype=np.int32))
        files.rank("a & b, rrf", "q 1", ["z%", "x y"], np.array([2.0, 2.0], dtype=np.float32))
    assert (tmp_path / "qrels.txt").read_text() == "q%201 0 x%20y 1\nq%201 0 z%25 0\n"
    lines = (tmp_path / "a+b-rrf.run").read_text().splitlines()
    assert [line.split()[:4] for line in lines] == [
        ["q%201", "Q0", "z%25", "1"],
        ["q%201", "Q0", "x%20y", "2"],
    ]
    assert token("plain/name.png") == "plain/name.png"
    assert file_name("a/b") == "a_b"
