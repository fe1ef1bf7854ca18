"""The default: what an index gets whose maker names no representation, and what it is asked by."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest
from support.embedders import write_noisy_blobs

from cli.main import main
from retrieval.evaluation import FusionOptions, learn_fusion
from retrieval.index import Index
from retrieval.index.catalogue.learned_fusions import LearntFusion, decide
from retrieval.index.search.encode_query import asked
from retrieval.index.search.query_options import QueryOptions
from retrieval.index.storage.store import Store
from retrieval.region import Region
from retrieval.registry import DEFAULT


class Where:
    """What says where a region is."""

    def n_candidates(self, has_region):
        return 9

    def locate(self, query, shape, region, candidates):
        raise AssertionError


SMALL = ["--words", "16", "--tone-words", "8", "--points", "60", "--jobs", "1", "--quiet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("default") / "scans"
    write_noisy_blobs(folder, 9)
    rows = "".join(f"{n}.png,{'abc'[n // 3]},p{n}\n" for n in range(9))
    (folder.parent / "labels.csv").write_text(f"path,label,patient\n{rows}", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def index(folder):
    place = folder.parent / "i"
    labels = ["--labels", str(folder.parent / "labels.csv")]
    assert main(["index", str(folder), "-o", str(place), *labels, *SMALL]) == 0
    return place


def printed(capsys, *words):
    assert main(list(map(str, words))) == 0
    return capsys.readouterr()


def test_a_new_index_has_words_and_an_embedding_without_windows(index, capsys):
    info = json.loads(printed(capsys, "info", index, "--json").out)
    settings = {one["name"]: one["settings"] for one in info["representations"]}
    assert list(settings) == list(DEFAULT)
    assert settings["deep"]["cells"] == 0
    assert settings["superpixel"]["words"] == 16


def test_who_names_it_gets_windows_and_an_index_keeps_what_it_has(folder, index, tmp_path, capsys):
    def cells(place):
        info = json.loads(printed(capsys, "info", place, "--json").out)
        return {one["name"]: one["settings"].get("cells") for one in info["representations"]}["deep"]

    printed(capsys, "index", folder, "-o", tmp_path / "i", "--by", "deep", *SMALL[-3:])
    assert cells(tmp_path / "i") == 5
    printed(capsys, "index", folder, "-o", index, *SMALL[-3:])
    assert cells(index) == 0
    printed(capsys, "index", folder, "-o", tmp_path / "j", "--cells", "1", *SMALL)
    assert cells(tmp_path / "j") == 1


def test_an_image_is_asked_by_all_and_a_region_by_what_says_where(index, capsys):
    assert "by superpixel+dense+deep " in printed(capsys, "query", index, "0.png").out
    box = ["--region", "10,10,50,50"]
    assert "by superpixel+dense " in printed(capsys, "query", index, "0.png", *box).out
    # Who names it, gets it.
    assert "by deep " in printed(capsys, "query", index, "0.png", "--by", "deep", *box).out
    with Index.open(index) as opened:
        region = Region.box(10, 10, 50, 50)
        both = [opened.query("0.png", by=by, region=region) for by in ((), ("superpixel", "dense"))]
        assert [(hit.id, hit.score) for hit in both[0]] == [(hit.id, hit.score) for hit in both[1]]


def test_a_region_is_asked_of_all_if_none_says_where(folder, tmp_path, capsys):
    by = ["--by", "thumbnail", "--by", "colour", *SMALL[-3:]]
    printed(capsys, "index", folder, "-o", tmp_path / "i", *by)
    found = printed(capsys, "query", tmp_path / "i", "0.png", "--region", "1,1,50,50")
    assert "by thumbnail+colour\n" in found.out


def test_learnt_weights_decide_and_say_so(index, capsys):
    with Index.open(index) as opened:
        plain = opened.query("0.png", fusion="z")
        assert opened.query("0.png") == plain
        assert opened.query("0.png", fusion="rrf") != plain
    by = [word for name in DEFAULT for word in ("--by", name)]
    learnt = json.loads(printed(capsys, "learn-fusion", index, *by, "--json").out)
    assert learnt["trial"]["learnt"] >= learnt["trial"]["z"]
    assert learnt["decides"]
    asked = printed(capsys, "query", index, "0.png")
    assert "note: fused by weights learnt from labels, superpixel " in asked.err
    assert "note: fused" not in printed(capsys, "query", index, "0.png", "--fusion", "rrf").err
    assert "note: fused" not in printed(capsys, "query", index, "0.png", "--by", "deep").err
    with Index.open(index) as opened:
        assert opened.query("0.png") == opened.query("0.png", fusion="learnt")
        assert opened.query("0.png", fusion="z") == plain
        # A region is asked of the words.
        box = QueryOptions(region=Region.box(10, 10, 50, 50))
        assert opened.query("0.png", box) == opened.query("0.png", box, fusion="rrf")
        voted = opened.classify("0.png", k=3)
        assert voted.votes == opened.classify("0.png", k=3, fusion="learnt").votes


def test_weights_decide_that_were_learnt_now_for_just_these_recipes():
    stored = {"a": SimpleNamespace(recipe="1"), "b": SimpleNamespace(recipe="2")}
    learnt = LearntFusion(("a", "b"), ("1", "2"), (0.3, 0.7), 9, {}, 0, decides=True)
    assert decide([learnt], ["b", "a"], stored)
    assert not decide([learnt], ["a"], stored)
    assert not decide([], ["a", "b"], stored)
    assert not decide([replace(learnt, recipes=("1", "3"))], ["a", "b"], stored)
    # What an earlier version kept says nothing of deciding.
    assert not decide([replace(learnt, decides=False)], ["a", "b"], stored)


def test_an_index_of_an_earlier_version_is_fused_by_ranks(index, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(index, old)
    with closing(Store.open(old, True, {})) as store, store.catalogue.transaction():
        store.catalogue.run("DELETE FROM meta WHERE key IN ('fusion', 'fusions')")
    with Index.open(old) as opened:
        assert opened.query("0.png") == opened.query("0.png", fusion="rrf")
    # Learnt weights are tried against what they would take the place of.
    learnt = learn_fusion(old, FusionOptions(("superpixel", "dense")))
    assert {"sum", "rrf", "learnt"} < set(learnt.trial) and "z" not in learnt.trial
    assert learnt.decides == (learnt.trial["learnt"] >= learnt.trial["rrf"])


def test_a_trial_that_the_rule_of_the_index_wins_decides_nothing(index, tmp_path, monkeypatch):
    alone = tmp_path / "alone"
    shutil.copytree(index, alone)
    # Weights that rank by what is wrong; equal ones would be found otherwise.
    # The package calls the function by the name of the module.
    learning = sys.modules["retrieval.evaluation.learn_fusion"]
    monkeypatch.setattr(learning, "learn_weights", lambda scores, relevant: (-1.0, -1.0))
    learnt = learn_fusion(alone, FusionOptions(("superpixel", "dense")))
    assert learnt.trial["z"] > learnt.trial["learnt"] and not learnt.decides


def test_weights_without_a_trial_decide_nothing(index, tmp_path, capsys):
    alone = tmp_path / "alone"
    shutil.copytree(index, alone)
    # Of one patient all: no half of the groups can be held back.
    rows = "".join(f"{n}.png,{'abc'[n // 3]}\n" for n in range(9))
    (tmp_path / "labels.csv").write_text(f"path,label\n{rows}", encoding="utf-8")
    with closing(Store.open(alone, True, {})) as store, store.catalogue.transaction():
        store.catalogue.run("DELETE FROM meta WHERE key = 'fusions'")
    by = ["--by", "superpixel", "--by", "dense", "--where", "label = 'a'"]
    learnt = printed(capsys, "learn-fusion", alone, *by)
    told = "no trial" in learnt.err
    assert told == ("no trial shows them" in learnt.out)
    with Index.open(alone) as opened:
        (kept,) = [one for one in opened.fusions if len(one.by) == 2]
        assert kept.decides == (not told and kept.trial["learnt"] >= kept.trial["z"])


def test_learnt_weights_of_the_words_leave_regions_to_ranks(index, tmp_path, capsys):
    place = tmp_path / "i"
    shutil.copytree(index, place)
    printed(capsys, "learn-fusion", place, "--by", "superpixel", "--by", "dense")
    with Index.open(place) as opened:
        box = QueryOptions(region=Region.box(10, 10, 50, 50))
        assert opened.query("0.png", box) == opened.query("0.png", box, fusion="rrf")
        assert opened.query("0.png", box) != opened.query("0.png", box, fusion="learnt")


def test_of_a_learnt_metric_the_base_says_where():
    words, metric = SimpleNamespace(), SimpleNamespace()
    made = {
        "superpixel": Where(),
        "superpixel+nca": metric,
        "deep": words,
        "dense+nca": metric,
        "dense": Where(),
    }
    box = QueryOptions(region=Region.box(0, 0, 1, 1))
    assert asked(box, ["dense", "deep", "superpixel+nca"], made.get) == ["dense", "superpixel"]
    assert asked(box, ["deep", "superpixel+nca", "dense+nca"], made.get) == ["superpixel", "dense"]
    assert asked(box, ["deep"], made.get) == ["deep"]
    assert asked(QueryOptions(), ["deep", "dense+nca"], made.get) == ["deep", "dense+nca"]
