"""Facts about learnt weights, votes and blind feedback."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cli.main import main
from retrieval.answers.fusion import fuse, scale_of, scaled, votes
from retrieval.answers.rule_names import FUSION_RULES
from retrieval.answers.weight_learning import learn_weights, mean_average_precision
from retrieval.errors import SettingError
from retrieval.evaluation import FusionOptions, learn_fusion
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.ranker import Ranking, order
from retrieval.statistics.tied_ranking import TiedRanking


def ranking(*scores: float) -> Ranking:
    return order(np.arange(len(scores)), np.array(scores, dtype=np.float32), len(scores))


def problem(n_rankings=3, n_queries=12, n_pictures=40, seed=0):
    """Return scores of which the first tells a little, the second nothing, and all others more and more."""
    rng = np.random.default_rng(seed)
    relevant = rng.random((n_queries, n_pictures)) < 0.25
    relevant[:, 0] = True
    noise = rng.random((n_rankings, n_queries, n_pictures))
    told = np.array([0.3, 0.0, *(0.5 + 0.1 * i for i in range(n_rankings - 2))])[:n_rankings]
    return (noise + told[:, None, None] * relevant).astype(np.float32), relevant


def test_map_is_that_of_one_query_after_the_other():
    scores, relevant = problem()
    scores = np.round(scores[0], 1)  # with ties
    scores[:, 5] = np.nan
    relevant[:, 5] = False
    one_by_one = []
    for row, right in zip(scores, relevant, strict=True):
        best_first = np.argsort(-np.nan_to_num(row, nan=-9), kind="stable")
        one_by_one.append(TiedRanking(right[best_first], row[best_first]).average_precision())
    assert mean_average_precision(scores, relevant) == pytest.approx(np.mean(one_by_one))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_weights_are_on_the_simplex_and_no_worse_than_equal_ones(n):
    scores, relevant = problem(n)
    weights = learn_weights(scores, relevant)
    assert len(weights) == n and min(weights) >= 0 and sum(weights) == pytest.approx(1)
    best = mean_average_precision(np.tensordot(np.array(weights, np.float32), scores, axes=1), relevant)
    assert best >= mean_average_precision(scores.mean(axis=0), relevant)
    if n <= 3:
        for single in scores:
            assert best >= mean_average_precision(single, relevant) - 1e-9
    assert learn_weights(scores, relevant) == weights


def test_the_grid_finds_the_best_of_all_twentieths():
    scores, relevant = problem(2, seed=3)
    values = {
        i: mean_average_precision(
            np.float32(i / 20) * scores[0] + np.float32(1 - i / 20) * scores[1], relevant
        )
        for i in range(21)
    }
    first, second = learn_weights(scores, relevant)
    assert values[round(20 * first)] == pytest.approx(max(values.values()))
    assert second == pytest.approx(1 - first)


def test_where_all_are_equally_good_weights_are_equal():
    scores, relevant = problem(1)
    assert learn_weights(np.repeat(scores, 3, axis=0), relevant) == pytest.approx([1 / 3] * 3)


def test_what_cannot_be_learnt_from_is_refused():
    scores, relevant = problem(2)
    with pytest.raises(SettingError, match="none has a right answer"):
        learn_weights(scores, np.zeros_like(relevant))
    with pytest.raises(SettingError, match="shape"):
        learn_weights(scores, relevant[:3])
    with pytest.raises(SettingError, match="weights"):
        fuse([ranking(1, 2)], "sum", weights=[1, 2])
    with pytest.raises(SettingError, match="weights"):
        fuse([ranking(1, 2)], "sum", weights=[-1])
    with pytest.raises(SettingError, match="learn-fusion"):
        fuse([ranking(1, 2)], "learnt")


def test_weights_by_hand():
    one, other = ranking(1.0, 0.5, 0.0), ranking(2.0, 4.0, 3.0)
    found = fuse([one, other], "learnt", weights=[0.75, 0.25])
    assert dict(zip(found.ids.tolist(), found.scores.tolist(), strict=True)) == pytest.approx(
        {0: 0.75, 1: 0.625, 2: 0.125}
    )
    assert fuse([one, other], "sum", weights=[1, 0]).ids.tolist() == [0, 1, 2]


@given(
    st.lists(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), min_size=1, max_size=3),
    st.sampled_from(FUSION_RULES),
)
@example([[0.0, 0.0, 1.0, 1.401298464324817e-45]], "z")
@example([[0.0, 0.0, 0.0, 1.401298464324817e-45]], "sum")
def test_votes_say_where_the_score_comes_from(scores, how):
    rankings = [ranking(*row) for row in scores]
    weights = [0.5 + i for i in range(len(rankings))] if how == "learnt" else None
    together = fuse(rankings, how, weights=weights)
    names = [f"r{i}" for i in range(len(rankings))]
    cast = votes(names, rankings, how, weights, together.ids)
    for each, score in zip(cast, together.scores.tolist(), strict=True):
        assert set(each) == set(names)
        shared = sum(vote.share for vote in each.values())
        # By z one representation may add less than another takes away.
        assert shared == pytest.approx(1 if score > 0 or (how == "z" and shared > 0) else 0)
    for name, row in zip(names, rankings, strict=True):
        places = {int(id): i + 1 for i, id in enumerate(row.ids)}
        for id, each in zip(together.ids.tolist(), cast, strict=True):
            assert each[name].rank == places[id]


def test_a_ranking_that_lacks_a_picture_does_not_vote_for_it():
    short = Ranking(np.array([2]), np.array([1.0], np.float32))
    cast = votes(["a", "b"], [ranking(3, 2, 1), short], "rrf", None, np.array([0, 2]))
    assert list(cast[0]) == ["a"] and list(cast[1]) == ["a", "b"]
    nothing = np.empty(0, np.float32)
    assert scaled(nothing, scale_of(nothing, "sum")).tolist() == []


@pytest.fixture
def place(tmp_path):
    from PIL import Image

    folder = tmp_path / "scans"
    folder.mkdir()
    lines = ["path,label,patient"]
    for i in range(24):
        rng = np.random.default_rng(i)
        hue = np.array([200, 60, 60] if i % 2 else [60, 60, 200])
        pixels = np.clip(hue + rng.normal(0, 30, (24, 24, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
        lines.append(f"{i:02}.png,{'red' if i % 2 else 'blue'},p{i // 2}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    table = str(tmp_path / "labels.csv")
    arguments = ["index", str(folder), "-o", str(tmp_path / "i"), "--by", "thumbnail", "--by", "colour"]
    assert main([*arguments, "--labels", table, "--jobs", "1"]) == 0
    return tmp_path


def test_the_command_learns_that_colour_decides(place, capsys):
    index = str(place / "i")
    assert main(["query", index, "00.png", "--fusion", "learnt"]) == 2
    assert (
        "no weights were learnt for colour, thumbnail; run `semblance learn-fusion" in capsys.readouterr().err
    )
    assert main(["learn-fusion", index, "--by", "thumbnail", "--by", "colour"]) == 0
    told = capsys.readouterr()
    assert "learnt from 24 queries; trial, 12 held-out queries, mAP: colour 100.0, thumbnail" in told.err
    assert told.out.startswith(f"{index}: weights colour ")
    assert main(["query", index, "00.png", "--fusion", "learnt", "--json", "-k", "12"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert all(int(hit["id"][:2]) % 2 == 0 for hit in answer["hits"])
    first = answer["hits"][0]["votes"]
    assert set(first) == {"thumbnail", "colour"} and first["colour"]["rank"] == 1
    assert sum(vote["share"] for vote in first.values()) == pytest.approx(1)
    assert main(["info", index, "--json"]) == 0
    (kept,) = json.loads(capsys.readouterr().out)["fusions"]
    assert kept["name"] == "colour & thumbnail" and kept["queries"] == 24
    page = place / "page.html"
    assert main(["query", index, "00.png", "--fusion", "learnt", "--report", str(page)]) == 0
    assert "colour rank&nbsp;1," in page.read_text()
    assert main(["learn-fusion", index, "--by", "thumbnail"]) == 2
    assert main(["learn-fusion", index, "--by", "thumbnail", "--by", "sift"]) == 2


def test_one_representation_alone_has_no_votes(place, capsys):
    assert main(["query", str(place / "i"), "00.png", "--by", "colour", "--json"]) == 0
    assert "votes" not in capsys.readouterr().out


def test_weights_are_void_once_a_representation_is_fitted_anew(place, kinds):
    factories = {"mean": kinds.Mean}
    with IndexWriter.open(place / "i", factories=factories) as index:
        index.add_representation(kinds.Mean(8))
        index.update([], jobs=1)
    learnt = learn_fusion(place / "i", FusionOptions(("mean", "colour")), factories=factories)
    assert learnt.by == ("colour", "mean")
    with IndexWriter.open(place / "i", factories=factories) as index:
        terms = {"by": ("mean", "colour"), "fusion": "learnt", "k": 3}
        assert len(index.query("00.png", **terms)) == 3
        index.remove([f"{i:02}.png" for i in range(12)])
        index.update([], jobs=1, refit=True)
        with pytest.raises(SettingError, match="fitted anew since; run `semblance learn-fusion"):
            index.query("20.png", **terms)


def test_names_of_pictures_are_not_kept_with_the_weights(place):
    learn_fusion(place / "i", FusionOptions(("thumbnail", "colour"), LabelTable.read(place / "labels.csv")))
    with IndexWriter.open(place / "i") as index:
        index.remove(["00.png"])
        index.compact()
        assert index.leftovers(["00.png"]) == []


def test_blind_feedback_is_asking_again_with_the_first_hits_liked(place):
    with Index.open(place / "i") as index:
        for by in (("thumbnail",), ("thumbnail", "colour")):
            first = [hit.id for hit in index.query("03.png", by=by, k=6) if hit.id != "03.png"][:5]
            again = index.query("03.png", by=by, k=10, blind=5)
            assert again == index.query("03.png", by=by, k=10, like=first)
            assert len(again) == 10
        plain = index.query("03.png", by=("thumbnail",), k=10)
        assert index.query("03.png", by=("thumbnail",), k=10, blind=0) == plain
        with pytest.raises(SettingError, match="blind"):
            index.query("03.png", blind=-1)
        with pytest.raises(SettingError, match="blind"):
            index.query_volume(["03.png", "04.png"], blind=3)


def test_every_rule_is_a_flag(place, capsys):
    for how, blind in itertools.product(("rrf", "z", "sum"), (0, 2)):
        assert main(["query", str(place / "i"), "00.png", "--fusion", how, "--blind", str(blind)]) == 0
    assert main(["query", str(place / "i"), "00.png", "--fusion", "best"]) == 2
    assert "invalid choice" in capsys.readouterr().err
