"""Notes on options that change nothing: a rule with nothing to fuse, and what matches in space pass over."""

import json

import cv2
import pytest
from support.images import texture_of_all_sizes
from support.served import SEARCH, graphql, run

from retrieval.index.writer import IndexWriter
from retrieval.registry import make

REGION = ["--region", "8,8,40,40"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Make an index of words and of an embedding that keeps windows."""
    room = tmp_path_factory.mktemp("notes")
    (room / "scans").mkdir()
    rows = ["path,label"]
    for i in range(9):
        pixels = texture_of_all_sizes(96, 96, seed=i)
        # Both representations tell the two labels apart, so that learnt weights do no worse than a rule.
        cv2.imwrite(
            str(room / "scans" / f"{i}.png"), cv2.GaussianBlur(pixels, (0, 0), 3) if i % 2 else pixels
        )
        rows.append(f"{i}.png,{'ab'[i % 2]}")
    (room / "labels.csv").write_text("\n".join(rows))
    with IndexWriter.create(room / "i") as made:
        made.add_representation(make("dense", {"points": 60, "words": 16, "tone_words": 0}))
        made.add_representation(make("deep", {"cells": 2}))
        made.update([room / "scans"], jobs=1)
    flags = ["--labels", room / "labels.csv", "--jobs", "1", "--quiet"]
    assert run(["index", room / "scans", "-o", room / "i", *flags])[0] == 0
    return room / "i"


def hits(place, capsys, *flags):
    """Return the scores of a query's hits by name, and what was said."""
    capsys.readouterr()
    code, out = run(["query", place, "0.png", "-k", "9", "--json", *flags])
    assert code == 0
    (answer,) = json.loads(out)
    return {hit["id"]: hit["score"] for hit in answer["hits"]}, capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--by", "deep", *REGION, "--like", "3.png"], "--like does not reach deep, which ranks by where"),
        (["--by", "deep", *REGION, "--blind", "2"], "--blind does not reach deep"),
        (["--by", "deep", *REGION, "--smooth", "2"], "--smooth does not reach deep"),
        (["--by", "dense", *REGION, "--smooth", "2"], "--smooth does not reach dense"),
        (["--by", "dense", "--fusion", "z"], "--fusion z changes nothing: dense answers alone"),
    ],
)
def test_an_option_that_changes_nothing_is_said(flags, said, place, capsys):
    found, err = hits(place, capsys, *flags)
    assert f"note: {said}" in err
    # It is true: without the option the answer is the same.
    assert found == hits(place, capsys, *flags[:-2])[0]


@pytest.mark.parametrize(
    "flags",
    [
        ["--by", "dense", *REGION, "--like", "3.png"],
        ["--by", "dense", "--smooth", "2"],
        ["--by", "deep", "--like", "3.png"],
        ["--by", "dense", "--by", "deep", "--fusion", "sum"],
    ],
)
def test_an_option_that_counts_is_not(flags, place, capsys):
    found, err = hits(place, capsys, *flags)
    assert "not reach" not in err
    assert "changes nothing" not in err
    assert found != hits(place, capsys, *flags[:-2])[0]


def test_classification_and_evaluation_say_that_one_representation_is_not_fused(place, capsys):
    assert run(["classify", place, "0.png", "--by", "dense", "--fusion", "rrf"])[0] == 0
    assert "--fusion rrf changes nothing: dense answers alone" in capsys.readouterr().err
    evaluate = ["evaluate", place, "--no-baselines", "--no-leaks", "--quiet"]
    assert run([*evaluate, "--by", "dense", "--fusion", "rrf"])[0] == 0
    assert "--fusion changes nothing: there is one representation" in capsys.readouterr().err
    assert run([*evaluate, "--by", "dense,deep", "--fusion", "rrf"])[0] == 0
    assert "changes nothing" not in capsys.readouterr().err


def test_the_page_says_by_which_weights_an_answer_is_fused_once(place, capsys):
    pytest.importorskip("strawberry")
    from support.server_process import serving

    assert run(["learn-fusion", place, "--by", "dense", "--by", "deep"])[0] == 0
    with IndexWriter.open(place) as index:
        (learnt,) = index.fusions
    with serving(place) as client:
        ask = {"image": "0.png", "by": ["dense", "deep"]}
        notes = graphql(client, SEARCH, index=place.name, ask=ask)["search"]["notes"]
    assert sum("fused by weights learnt" in note for note in notes) == learnt.decides == 1


def test_an_evaluation_says_that_blind_feedback_is_measured_of_no_baseline(place, capsys):
    for by, is_said in (("thumbnail", True), ("dense", False)):
        asked = ["evaluate", place, "--no-leaks", "--quiet", "--by", by, "--blind", "2"]
        assert run(asked)[0] == 0
        assert ("--blind changes nothing" in capsys.readouterr().err) is is_said
