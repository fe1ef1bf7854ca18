"""The flow: a change runs exactly what depends on it, and what comes out as it was stops there."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from unittest.mock import ANY

import numpy as np
import pytest
from support.flow_images import DIES_AT_A_COMMIT, N, draw, table
from support.flow_steps import count_steps
from support.indexes import catalogue_of

from cli.main import main
from retrieval.baselines import Thumbnail
from retrieval.index import Index
from retrieval.index.order import Order, bring_up_to_date, dry_run
from retrieval.index.writer import IndexWriter, MetricOptions
from retrieval.metadata.label_table import LabelTable
from retrieval.metric_learning import MetricLearner

pytestmark = pytest.mark.usefixtures("quick")

WORDS = {"words": 8, "points": 30}


@pytest.fixture
def scans(tmp_path):
    for number in range(N):
        draw(tmp_path / "scans", number)
    return tmp_path / "scans"


@pytest.fixture
def ran(monkeypatch):
    return count_steps(monkeypatch)


@pytest.fixture
def update(scans, tmp_path, ran):
    """Return what brings the index up to date and returns what ran, after comparing it with what was said."""

    def run(labels=None, **about):
        order = Order(tmp_path / "i", [scans], labels=labels, **about)
        said = {step.name: step.files for step in dry_run(order)}
        ran.clear()
        bring_up_to_date(order)
        done = {name: n for name, n in ran.items() if name.startswith(("learn", "encode", "derive", "rank"))}
        return said, done

    return run


@pytest.fixture
def place(update, scans, tmp_path):
    """Make an index with visual words, a baseline, and a metric that is learnt on the baseline."""
    update(table(scans.parent), by=["thumbnail", "sift"], settings=WORDS)
    with IndexWriter.open(tmp_path / "i") as index:
        index.learn_metric(OPTIONS)
    return tmp_path / "i"


OPTIONS = MetricOptions("thumbnail", MetricLearner("lda"), has_trial=False, blend=0.0)
METRIC = "thumbnail+lda"


def arrays(place):
    """Return all vectors of an index, by representation and image."""
    with Index.open(place) as index:
        assert index.verify() == []
        vectors = {(by, n): index.vector(n, by) for by in index.representations for n in index.names}
        return {
            key: (
                one.tolist() if isinstance(one, np.ndarray) else (one.indices.tolist(), one.values.tolist())
            )
            for key, one in vectors.items()
        }


def notes(state):
    return " ".join(state.report.notes)


def test_a_second_run_does_nothing(place, update, scans):
    assert update() == ({}, {})
    assert update(table(scans.parent)) == ({}, {})
    assert update(table(scans.parent), remake=True) == ({}, {})


def test_one_setting_runs_its_descendants_alone_and_going_back_is_no_work(place, update):
    before = arrays(place)
    said, done = update(remake=True, settings={"words": 9})
    assert said == done == {"learn sift": N, "encode sift": N}
    with Index.open(place) as index:
        assert index.representation("sift").settings["words"] == 9
        assert index.info()["set_aside"][0]["settings"]["words"] == 8
    changed = arrays(place)
    assert {key for key in before if before[key] != changed[key]} == {k for k in before if k[0] == "sift"}
    assert update(remake=True, settings={"words": 8}) == ({}, {})
    assert arrays(place) == before
    assert update(remake=True, settings={"words": 9}) == ({}, {})
    assert arrays(place) == changed


def test_a_setting_of_a_base_runs_its_metrics_too_and_all_come_back_with_it(place, update):
    before = arrays(place)
    said, done = update(remake=True, settings={"side": 8})
    assert said == {"encode thumbnail": N, f"set aside {METRIC}": 0, f"learn {METRIC}": N}
    assert done == {"encode thumbnail": N, "learn metric": done["learn metric"], f"derive {METRIC}": N}
    changed = arrays(place)
    assert {by for by, _ in changed} == {"thumbnail", "sift", METRIC}
    said, done = update(remake=True, settings={"side": 16})
    assert (said, done) == ({f"set aside {METRIC}": 0}, {})
    assert arrays(place) == before
    assert update(remake=True, settings={"side": 8})[1] == {}
    assert arrays(place) == changed


def test_a_metric_that_was_dropped_is_not_learnt_again(place, update):
    with IndexWriter.open(place) as index:
        index.drop_metric(METRIC)
    assert update(remake=True, settings={"side": 8})[1] == {"encode thumbnail": N}


def test_what_came_while_settings_were_aside_is_all_that_is_encoded_when_they_come_back(place, update, scans):
    update(remake=True, settings={"words": 9})
    draw(scans, N)
    assert update()[1] == {"encode sift": 1, "encode thumbnail": 1, f"derive {METRIC}": 1}
    said, done = update(remake=True, settings={"words": 8})
    assert said == done == {"encode sift": 1}


def test_one_file_runs_each_step_for_itself_alone(place, update, scans):
    draw(scans, 4, seed=77)
    said, done = update()
    once = {"encode sift": 1, "encode thumbnail": 1, f"derive {METRIC}": 1}
    assert said == {"read": 1, **once}
    assert done == once


def test_a_file_that_is_written_anew_as_it_was_runs_nothing(place, update, scans):
    content = (scans / "3.png").read_bytes()
    (scans / "3.png").unlink()
    (scans / "3.png").write_bytes(content)
    os.utime(scans / "3.png", ns=(1, 1))
    assert update() == ({}, {})


def test_one_label_makes_the_metrics_of_labels_stale_and_nothing_else(place, update, scans):
    said, done = update(table(scans.parent, i3="fine"))
    assert (said, done) == ({"label": 1}, {})
    state = bring_up_to_date(Order(place, [scans]))
    assert f"{METRIC} is stale, because labels changed; `semblance index --remake`" in notes(state)
    said, done = update(remake=True)
    assert said == {f"learn {METRIC}": N}
    assert done == {"learn metric": done["learn metric"], f"derive {METRIC}": N}
    assert update(remake=True) == ({}, {})


@pytest.mark.parametrize("many", [1, 5000])
def test_a_condition_may_name_a_patient_and_is_kept_encrypted(place, update, scans, many):
    where = " and ".join(["label != 'Zyxname'"] * many)
    with IndexWriter.open(place) as index:
        index.learn_metric(replace(OPTIONS, where=where))
        index.compact()
    assert b"Zyxname" not in (place / "catalogue.sqlite").read_bytes()
    update(table(scans.parent, i3="fine"))
    # One that is too long to be kept is not learnt again by itself.
    assert set(update(remake=True)[0]) == ({f"learn {METRIC}"} if many == 1 else set())
    assert b"Zyxname" not in (place / "catalogue.sqlite").read_bytes()


def test_a_metric_that_comes_out_as_it_was_is_not_derived_again(place, update, scans):
    before = arrays(place)
    # A label of an image that is not there is a change of the labels, and of nothing that is learnt from.
    lines = (scans.parent / "labels.csv").read_text() + "99.png,fine\n"
    (scans.parent / "labels.csv").write_text(lines)
    update(LabelTable.read(scans.parent / "labels.csv"))
    said, done = update(remake=True)
    assert said == {f"learn {METRIC}": N}
    assert set(done) == {"learn metric"}
    assert arrays(place) == before
    assert update(remake=True) == ({}, {})


def test_learning_again_that_gives_the_same_model_encodes_nothing(place, update):
    before = arrays(place)
    _, done = update(refit=True)
    assert done == {"learn sift": N}
    assert arrays(place) == before


def test_a_newer_version_of_a_step_is_said_and_made_on_demand(place, update, monkeypatch, capsys):
    monkeypatch.setattr(Thumbnail, "version", 2, raising=False)
    assert update() == ({}, {})
    capsys.readouterr()
    assert main(["info", str(place), "--why"]) == 0
    assert (
        "stale, because its version was 1, and is 2 now; `semblance index --remake`"
        in capsys.readouterr().out
    )
    said, done = update(remake=True)
    assert said["encode thumbnail"] == done["encode thumbnail"] == N
    assert said[f"learn {METRIC}"] == done[f"derive {METRIC}"] == N
    assert "encode sift" not in done
    assert update(remake=True) == ({}, {})


def test_an_index_without_records_is_taken_as_it_is(place, update, scans, monkeypatch):
    with catalogue_of(place, write=True) as catalogue:
        catalogue.run("DELETE FROM meta WHERE key = 'flow'")
    monkeypatch.setattr(Thumbnail, "version", 7, raising=False)
    update(table(scans.parent, i1="fine"))
    assert update(remake=True) == ({}, {})


def test_settings_are_not_changed_without_being_told_to(place, scans, capsys):
    words = ["index", str(scans), "-o", str(place), "--by", "sift", "--words", "9", "--quiet"]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "sift: words is 8 in this index, not 9; leave the setting out, or change it with --remake" in said
    assert main([*words, "--remake", "--dry-run"]) == 0
    assert "learn sift: 12 files, because words was 8, is 9\n" in capsys.readouterr().out


def test_why_lists_each_step_with_its_key_and_inputs(place, scans, capsys):
    assert main(["info", str(place), "--why"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [" ".join(line.split()[:2]) for line in lines[2:]]
    assert names == [
        "learn thumbnail",
        "encode thumbnail",
        "learn sift",
        "encode sift",
        f"learn {METRIC}",
        f"derive {METRIC}",
    ]
    assert all(line.endswith(": up to date") for line in lines)
    assert main(["info", str(place / "nothing"), "--why"]) == 1
    assert "is not there; make one with `semblance index" in capsys.readouterr().err


def test_removed_images_leave_what_is_set_aside_with_compact(place, update, scans):
    update(remake=True, settings={"words": 9})
    with IndexWriter.open(place) as index:
        index.remove(["0.png"])
        assert index.leftovers() != []
        index.compact()
        assert index.leftovers() == []
        assert "set_aside" not in index.info()


def test_what_is_set_aside_is_verified_and_dropped_by_a_repair_if_it_is_damaged(place, update):
    update(remake=True, settings={"words": 9})
    with catalogue_of(place) as catalogue:
        rows = catalogue.rows(
            "SELECT s.folder FROM segment s JOIN representation r ON r.id = s.representation AND is_next < 0"
        )
    damaged = max((place / "segments" / rows[0][0]).glob("*.npy"), key=lambda path: path.stat().st_size)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    with Index.open(place) as index:
        assert any(line.startswith("sift, set aside: segment") for line in index.verify())
    report = IndexWriter.repair(place, jobs=1)
    assert report.left == ()
    assert any("set aside of earlier settings was damaged, and is dropped" in line for line in report.lost)


WRITER = (
    DIES_AT_A_COMMIT
    + """
from retrieval.index.order import Order, bring_up_to_date

bring_up_to_date(Order(place, [scans], settings={"words": 9, "side": 8}, jobs=1, remake=True))
"""
)


@pytest.mark.parametrize("lasts", [(2, 6), pytest.param(range(1, 16), marks=pytest.mark.soak)], ids=len)
def test_a_change_that_is_killed_anywhere_gives_the_same_arrays(place, scans, tmp_path, lasts):
    before, found = arrays(place), []
    # The last one is not disturbed.
    for last in (*lasts, 0):
        copy = shutil.copytree(place, tmp_path / f"killed{last}")
        if last:
            command = [sys.executable, "-c", WRITER, str(copy), str(scans), str(last)]
            assert subprocess.run(command, check=False).returncode == (9 if last < 8 else ANY)
            with Index.open(copy) as index:
                assert all("not" in line for line in index.verify())
        bring_up_to_date(Order(copy, [scans], settings={"words": 9, "side": 8}, jobs=1, remake=True))
        found.append(arrays(copy))
    assert all(one == found[-1] for one in found)
    assert {by for by, _ in found[-1]} == {"thumbnail", "sift", METRIC}
    assert {by for by, name in before if found[-1][by, name] != before[by, name]} >= {"thumbnail", "sift"}
