"""The command learn-metric, end to end on small generated pictures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from cli.commands.learn_metric import notes
from cli.main import main
from retrieval.index import Index
from retrieval.index.writer import MetricReport
from retrieval.metric_learning import METHODS, Blend, CrossValidation

pytest.importorskip("sklearn")

N = 24


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Index pictures of stripes along or across, with labels, patients and a split."""
    folder = tmp_path / "scans"
    folder.mkdir()
    lines = ["path,label,patient,split"]
    for i in range(N):
        rng = np.random.default_rng(i)
        rows, cols = np.indices((24, 24))
        wave = np.sin((rows if i % 2 else cols) * 1.2 + rng.uniform(0, 0.8))
        blobs = cv2.resize(rng.normal(size=(3, 3)), (24, 24), interpolation=cv2.INTER_CUBIC)
        levels = np.clip(128 + 14 * wave + 60 * np.clip(blobs, -1.5, 1.5), 0, 255)
        assert cv2.imwrite(str(folder / f"{i}.png"), levels.astype(np.uint8))
        lines.append(f"{i}.png,{'odd' if i % 2 else 'even'},p{i // 2},{'train' if i < 16 else 'test'}")
    (tmp_path / "labels.csv").write_text("\n".join([*lines, ""]))
    arguments = ("index", folder, "-o", tmp_path / "i", "--by", "thumbnail", "--side", 8, "--jobs", 1)
    assert run(*arguments, "--labels", tmp_path / "labels.csv") == 0
    return tmp_path / "i"


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_learnt_and_ranks(
    index: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("learn-metric", index, "--by", "thumbnail", "--method", method) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[-1].startswith(f"{index}: thumbnail+{method} learnt, ")
    assert "learnt from 24 images of 2 classes: even 12, odd 12" in told.err
    assert "trial, 24 held-out images ask each other (no patient on both sides): mAP" in told.err
    assert run("query", index, "3.png", "--by", f"thumbnail+{method}", "-k", 1, "--csv") == 0
    assert "3.png" in capsys.readouterr().out.splitlines()[1]
    assert run("verify", index) == 0


def test_a_later_index_run_leaves_it_be_and_derives_what_is_new(index: Path, tmp_path: Path) -> None:
    assert run("learn-metric", index, "--by", "thumbnail") == 0
    picture = (tmp_path / "scans" / "3.png").read_bytes()
    (tmp_path / "scans" / "new.png").write_bytes(picture)
    assert run("index", tmp_path / "scans", "-o", index, "--jobs", 1) == 0
    with Index.open(index) as opened:
        assert opened.representations == ["thumbnail", "thumbnail+nca"]
        assert opened.verify() == []
        vectors = [opened.vector(name, "thumbnail+nca").tobytes() for name in ("3.png", "new.png")]
    assert vectors[0] == vectors[1]


def test_options_reach_what_is_learnt(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    options = ("--where", "split = 'train'", "--components", 3, "--shrinkage", 0.5, "--seed", 7)
    labels = ("--labels", tmp_path / "labels.csv", "--not-same", "split", "--no-trial", "--name", "mine")
    assert (
        run("learn-metric", index, "--by", "thumbnail", *options, *labels, "--method", "wccn", "--json") == 0
    )
    told = capsys.readouterr()
    summary = json.loads(told.out)
    assert summary["name"] == "thumbnail+mine"
    assert (summary["dimension"], summary["trial"], summary["group"]) == (3, None, "split")
    assert summary["classes"] == {"even": 8, "odd": 8}
    assert "trial" not in told.err
    with Index.open(index) as opened:
        settings = opened.info()["representations"][-1]["settings"]
    assert settings.pop("base_recipe")
    assert settings.pop("base_weight") > 0
    assert settings == {"method": "wccn", "components": 3, "shrinkage": 0.5, "seed": 7}


def test_it_is_dropped_on_demand(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("learn-metric", index, "--by", "thumbnail", "--no-trial") == 0
    assert run("learn-metric", index, "--drop", "thumbnail+nca", "--method", "wccn") == 2
    assert "--method: does not go with --drop" in capsys.readouterr().err
    assert run("learn-metric", index, "--drop", "thumbnail+nca", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"dropped": ["thumbnail+nca"]}
    assert run("learn-metric", index, "--drop", "thumbnail+nca") == 2
    assert "no learnt metric of this index" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--by", "sift"], 2, "no representation 'sift'"),
        (
            ["--by", "thumbnail", "--where", "label = 'odd'"],
            1,
            "two classes with two images each, and has 1",
        ),
        (["--by", "thumbnail", "--where", "label ="], 2, "where: the end"),
        (["--by", "thumbnail", "--labels", "none.csv"], 2, "labels: none.csv"),
        (["--by", "thumbnail", "--method", "magic"], 2, "invalid choice: 'magic'"),
        (["--by", "thumbnail", "--components", "0"], 2, "no whole number above 0"),
        (["--by", "thumbnail", "--shrinkage", "2"], 2, "shrinkage: 2"),
        (["--by", "thumbnail", "--name", "a b"], 2, "name: 'a b'"),
        (["--by", "thumbnail", "--not-same", "sex"], 2, "no column 'sex'"),
    ],
)
def test_what_is_refused_is_said_in_one_line_and_changes_nothing(
    index: Path, arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run("learn-metric", index, *arguments) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert message in told.err
    assert len(told.err.splitlines()) == 1
    with Index.open(index) as opened:
        assert opened.representations == ["thumbnail"]


def test_a_table_without_rows_is_refused(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.csv").write_text("path,label\n")
    assert run("learn-metric", index, "--by", "thumbnail", "--labels", tmp_path / "empty.csv") == 2
    assert "has no rows" in capsys.readouterr().err


def report(**changes: object) -> MetricReport:
    trial = CrossValidation(9, 0.5, 0.6, 0.7, 0.8, (0.05, 0.15))
    facts = {"name": "a+b", "dimension": 2, "classes": {"x": 5, "y": 4}, "left_out": (), "n_unlabelled": 0}
    facts |= {"unmatched": (), "group": "patient", "trial": trial, "is_new": True}
    return MetricReport(**{**facts, **changes})  # type: ignore[arg-type]


def test_notes_say_what_was_left_out_and_what_it_is_worth() -> None:
    assert notes(report(), True) == [
        "learnt from 9 images of 2 classes: x 5, y 4",
        "ranks alone, without a",
        "trial, 9 held-out images ask each other (no patient on both sides): mAP 50.0 before, "
        "60.0 with the metric (gain +5.0 to +15.0, 95 %), P@1 70.0 before, 80.0",
    ]
    more = report(
        left_out=("z",),
        n_unlabelled=1200,
        unmatched=("a", "b", "c", "d"),
        is_new=False,
        trial=None,
        blend=Blend(0.25, 0.4, is_chosen=True),
    )
    assert notes(more, True)[1:] == [
        "left out, for a class needs two images: z",
        "1,200 images have no label and were not learnt from",
        "4 labels name no image: a, b, c, …",
        "a+b was there and is replaced",
        "ranks by z(metric) + 0.25 z(a); the factor was the best of six for held-out images",
        "no trial: there are too few groups or images to hold some back",
    ]


@pytest.mark.parametrize(
    ("group", "n", "said"),
    [
        ("slide", 1, "1 slide shares one"),
        ("study", 2, "2 studies share one"),
        (None, 1, "1 image shares one"),
    ],
)
def test_notes_count_one_and_several(group: str | None, n: int, said: str) -> None:
    told = notes(report(n_joined=n, group=group, n_unlabelled=n, unmatched=("a",) * n), False)
    assert f"near-duplicates: {said} with another, kept on one side" in told
    some = ("1 image has no label and was", "1 label names no image: a")
    several = ("2 images have no label and were", "2 labels name no image: a, a")
    of_labels, of_table = some if n == 1 else several
    assert f"{of_labels} not learnt from" in told and of_table in told


@pytest.mark.parametrize(
    ("gain", "verdict"), [((-0.2, -0.1), "it does not help here"), ((-0.1, 0.1), "is not shown")]
)
def test_a_metric_that_does_not_help_is_called_so(gain: tuple[float, float], verdict: str) -> None:
    trial = CrossValidation(9, 0.5, 0.4, 0.7, 0.8, gain)
    assert notes(report(trial=trial, group=None), True)[-1].endswith(verdict)
    assert "no groups are known" in notes(report(trial=trial, group=None), True)[-1]


def test_without_by_it_is_learnt_on_the_first_representation(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("learn-metric", index, "--no-trial") == 0
    assert f"{index}: thumbnail+nca learnt" in capsys.readouterr().out
    assert run("learn-metric", index, "--no-trial", "--method", "lda") == 0, "and not on a metric"
    assert f"{index}: thumbnail+lda learnt" in capsys.readouterr().out


def test_a_metric_that_was_shown_to_help_answers_in_place_of_its_base(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("learn-metric", index, "--json", "--seed", 3) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["trial"]["gain"][0] > 0
    assert "queries without --by are now answered by thumbnail+nca\n" in told.err
    assert run("query", index, "3.png") == 0
    plain = capsys.readouterr()
    said = (
        "without --by, thumbnail+nca, learnt from labels, answers in place of thumbnail; --by thumbnail asks"
    )
    assert said in plain.err
    assert run("query", index, "3.png", "--by", "thumbnail+nca") == 0
    assert capsys.readouterr() == (plain.out, "")


def test_a_metric_of_which_nothing_is_known_is_fused_with_its_base_and_that_is_said(
    index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("learn-metric", index, "--no-trial") == 0
    said = "now answered by thumbnail, thumbnail+nca; --by thumbnail+nca asks the metric alone"
    assert said in capsys.readouterr().err
    assert run("query", index, "3.png") == 0
    answer = capsys.readouterr()
    assert "by thumbnail+thumbnail+nca" in answer.out
    said = "without --by, thumbnail+nca, learnt from labels, is fused with thumbnail; --by thumbnail asks"
    assert said in answer.err


def test_a_metric_is_explained_by_covering_parts_of_the_hit(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("learn-metric", index, "--no-trial") == 0
    capsys.readouterr()
    out = ("--by", "thumbnail+nca", "-o", tmp_path / "why.png")
    assert run("explain", index, "3.png", "4.png", *out) == 0
    assert capsys.readouterr().out.startswith("score ")
    assert (tmp_path / "why.png").is_file()
