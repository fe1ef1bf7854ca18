"""Semantic profiles in the flow: stale by reports, terms, base and version, and learnt again on demand."""

import json
import shutil
from collections import Counter

import cv2
import numpy as np
import pytest
from support.indexes import catalogue_of

from cli.main import main
from retrieval.index import Index
from retrieval.index.update.profile_options import ProfileOptions
from retrieval.index.writer import IndexWriter
from retrieval.metadata.reports import ReportFiles, read_reports, read_terms
from retrieval.metric_learning.semantics import ProfileLearner, SemanticProfile

pytest.importorskip("sklearn")
pytestmark = pytest.mark.usefixtures("quick")

N = 24
PROFILE = "thumbnail+profile"


def run(*words):
    return main([str(word) for word in words])


def report(folder, **other):
    """Write reports, of some images others than their class, and with the sign that they are secret."""
    said = {i: "Emphysema." if i % 2 else "Pleural effusion." for i in range(N)}
    said |= {int(name[1:]): text for name, text in other.items()}
    lines = [f"{i}.png,p{i},Zyxname: {text}" for i, text in said.items()]
    (folder / "reports.csv").write_text("\n".join(["file,patient,findings", *lines, ""]))


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Index stripes along and across."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "scans").mkdir()
    for i in range(N):
        rng = np.random.default_rng(i)
        rows, cols = np.indices((32, 32))
        levels = 128 + 70 * np.sin((rows if i % 2 else cols) * 0.8) + rng.normal(size=(32, 32)) * 9
        cv2.imwrite(str(folder / "scans" / f"{i}.png"), np.clip(levels, 0, 255).astype(np.uint8))
    words = ("--by", "thumbnail", "--jobs", 1, "--quiet")
    assert run("index", folder / "scans", "-o", folder / "i", *words) == 0
    return folder


@pytest.fixture
def place(first, tmp_path, capsys):
    """Learn a profile from reports of which nothing was read before."""
    shutil.copytree(first / "i", tmp_path / "i")
    report(tmp_path)
    learn(tmp_path)
    capsys.readouterr()
    return tmp_path


def learn(folder, *words, reports="reports.csv"):
    about = ("--reports", folder / reports, "--quiet")
    assert run("learn-profile", folder / "i", "--by", "thumbnail", *about, *words) == 0


@pytest.fixture
def update(first, place, capsys, monkeypatch):
    """Return what brings the index up to date and returns what was said before, what ran, and its notes."""
    ran = Counter()
    learn, derive = ProfileLearner.learn, SemanticProfile.derive

    def learnt(self, *about):
        ran["learn"] += 1
        return learn(self, *about)

    def derived(self, vector):
        ran["derive"] += 1
        return derive(self, vector)

    monkeypatch.setattr(ProfileLearner, "learn", learnt)
    monkeypatch.setattr(SemanticProfile, "derive", derived)

    def once(*words):
        capsys.readouterr()
        words = ("index", first / "scans", "-o", place / "i", "--jobs", 1, *words)
        assert run(*words, "--dry-run", "--json") == 0
        said = {one["step"]: one["because"] for one in json.loads(capsys.readouterr().out)}
        ran.clear()
        assert run(*words, "--quiet") == 0
        told = [line for line in capsys.readouterr().err.splitlines() if "profile" in line]
        return said, dict(ran), "; ".join(told)

    return once


def why(folder, capsys):
    capsys.readouterr()
    assert run("info", folder / "i", "--why") == 0
    return {" ".join(line.split()[:2]): line for line in capsys.readouterr().out.splitlines()}


def vectors(folder):
    with Index.open(folder / "i") as index:
        assert index.verify() == []
        return {name: index.vector(name, PROFILE).tolist() for name in index.names}


def test_the_reports_are_sources_of_the_profile(place, update, capsys):
    lines = why(place, capsys)
    assert f"of learn thumbnail, reports {PROFILE}, terms {PROFILE}: up to date" in lines[f"learn {PROFILE}"]
    assert f"reports {PROFILE}" in lines and f"terms {PROFILE}" in lines
    assert update() == update("--remake") == ({}, {}, "")


def test_another_report_makes_the_profile_stale_and_it_is_learnt_again(place, update, capsys):
    before = vectors(place)
    report(place, i3="Pleural effusion.", i5="Pleural effusion.", i7="Pleural effusion.")
    assert "stale, because its reports changed; `semblance index --remake`" in str(why(place, capsys))
    said, ran, told = update()
    assert (said, ran) == ({}, {})
    assert f"{PROFILE} is stale, because its reports changed; `semblance index --remake` learns it" in told
    assert vectors(place) == before
    said, ran, told = update("--remake")
    assert said == {f"learn {PROFILE}": "its reports changed"}
    assert (ran["derive"], told) == (N, "")
    after = vectors(place)
    assert after != before
    assert update("--remake") == ({}, {}, "")
    learn(place)
    assert vectors(place) == after


def test_reports_that_say_the_same_stop_at_the_profile(place, update):
    before = vectors(place)
    report(place, i3="Emphysema as before.")
    said, ran, told = update("--remake")
    assert list(said) == [f"learn {PROFILE}"]
    assert (list(ran), told) == (["learn"], "")
    assert vectors(place) == before
    assert update("--remake") == ({}, {}, "")


def test_what_is_learnt_from_other_columns_and_terms_is_learnt_again_so(place, update):
    lines = (place / "reports.csv").read_text().replace("findings", "remarks")
    (place / "reports.csv").write_text(lines)
    (place / "terms.csv").write_text("term,pattern\nair,emphysema\nwater,effusion\n")
    learn(place, "--text", "remarks", "--terms", place / "terms.csv", "--clusters", 3, "--where", "rows > 1")
    (place / "terms.csv").write_text("term,pattern\nair,emphysema\nfluid,effusion\n")
    said, _, _ = update("--remake")
    assert said == {f"learn {PROFILE}": "its terms changed"}
    with Index.open(place / "i") as index:
        about = index.representation(PROFILE).settings
        assert (about["terms"], about["clusters"]) == (["air", "fluid"], 3)
    assert update("--remake") == ({}, {}, "")


def test_reports_that_are_gone_are_named_and_the_rest_goes_on(place, update, capsys):
    before = vectors(place)
    (place / "reports.csv").rename(place / "moved.csv")
    line = why(place, capsys)[f"learn {PROFILE}"]
    gone = f"its reports are not at {place / 'reports.csv'} any more; "
    assert f"up to date as far as is known, for {gone}`semblance learn-profile` makes it again" in line
    assert update() == ({}, {}, "")
    said, ran, told = update("--remake")
    assert (said, ran) == ({}, {})
    assert f"{PROFILE} could not be learnt again: {gone}run `semblance learn-profile`" in told
    assert vectors(place) == before
    (place / "moved.csv").rename(place / "reports.csv")
    assert update("--remake") == ({}, {}, "")


def test_reports_that_cannot_be_read_any_more_are_named(place, update):
    before = vectors(place)
    (place / "reports.csv").write_text("file,remarks\n0.png,Emphysema.\n")
    _, _, told = update("--remake")
    assert f"{PROFILE} could not be learnt again: reports: " in told and "no column of text" in told
    assert vectors(place) == before


def test_another_base_lets_the_profile_learn_again_and_both_come_back(place, update):
    before = vectors(place)
    said, ran, _ = update("--remake", "--by", "thumbnail", "--side", 8)
    assert said[f"learn {PROFILE}"] == "thumbnail is another"
    assert ran["derive"] == N
    changed = vectors(place)
    assert changed != before
    (place / "reports.csv").unlink()
    # What comes back is not learnt, and needs no reports; a base that is new does.
    said, ran, _ = update("--remake", "--by", "thumbnail", "--side", 16)
    assert (said, ran) == ({f"set aside {PROFILE}": ANY_SIDE}, {})
    assert vectors(place) == before
    said, ran, told = update("--remake", "--by", "thumbnail", "--side", 12)
    assert f"learn {PROFILE}" not in said and ran == {}
    assert f"{PROFILE} could not be learnt again: its reports are not at" in told
    with Index.open(place / "i") as index:
        assert PROFILE not in index.representations


ANY_SIDE = "thumbnail: side was 8, is 16, and it was learnt on that"


def test_a_newer_version_of_the_step_is_said_and_made(place, update, monkeypatch, capsys):
    monkeypatch.setattr(SemanticProfile, "version", 2)
    assert "because its version was 1, and is 2 now; `semblance index --remake`" in str(why(place, capsys))
    _, ran, _ = update("--remake")
    assert ran["learn"]
    assert update("--remake") == ({}, {}, "")


def test_a_profile_without_a_record_is_taken_as_it_is(place, update):
    with catalogue_of(place / "i", write=True) as catalogue:
        catalogue.run("DELETE FROM meta WHERE key = 'flow_sealed'")
    report(place, i3="Pleural effusion.")
    assert update("--remake") == ({}, {}, "")


def test_what_was_read_from_no_file_is_not_learnt_again(place, update):
    terms = read_terms()
    table = read_reports(place / "reports.csv", terms)
    with IndexWriter.open(place / "i") as index:
        index.learn_profile(ProfileOptions("thumbnail", table, [term.name for term in terms]))
    report(place, i3="Pleural effusion.")
    assert update("--remake") == ({}, {}, "")
    assert not ReportFiles.at(place / "scans").can_be_read_again


def test_patients_that_the_labels_of_the_index_name_are_an_input_too(place, update, capsys):
    lines = [line.split(",") for line in (place / "reports.csv").read_text().splitlines()]
    (place / "reports.csv").write_text("\n".join(f"{name},{text}" for name, _, text in lines))
    label(place, lambda i: i)
    update("--labels", place / "labels.csv")
    learn(place)
    assert f"of learn thumbnail, labels, reports {PROFILE}" in why(place, capsys)[f"learn {PROFILE}"]
    label(place, lambda i: i // 2)
    _, _, told = update("--labels", place / "labels.csv")
    assert f"{PROFILE} is stale, because labels changed" in told
    assert update("--remake")[1]["learn"]
    assert update("--remake") == ({}, {}, "")


def label(folder, patient):
    lines = [f"{i}.png,any,p{patient(i)}" for i in range(N)]
    (folder / "labels.csv").write_text("\n".join(["path,label,patient", *lines, ""]))


def test_the_index_shows_neither_where_the_reports_are_nor_the_condition(place):
    (place / "of mueller").mkdir()
    shutil.copyfile(place / "reports.csv", place / "of mueller" / "reports.csv")
    learn(place, "--where", "patient != 'meier'", reports="of mueller/reports.csv")
    files = [path.read_bytes() for path in (place / "i").rglob("*") if path.is_file()]
    assert not [word for word in (b"mueller", b"meier", b"Zyxname") if any(word in one for one in files)]


def test_a_profile_that_was_dropped_is_not_learnt_again(place, update):
    assert run("learn-metric", place / "i", "--drop", PROFILE) == 0
    report(place, i3="Pleural effusion.")
    assert update("--remake") == ({}, {}, "")
