"""The access log says who asked for what, without a name, and only if it is wanted."""

import json
import os

import pytest
from support.drawings import draw_numbered
from support.indexes import index_thumbnails

from cli.main import main
from cli.options.access_log import VARIABLE
from retrieval.index import Index
from retrieval.readers.pseudonym import hashed


@pytest.fixture
def place(tmp_path):
    return index_thumbnails(tmp_path / "x.index", draw_numbered(tmp_path / "images", 4))


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "access.log"))
    return tmp_path / "access.log"


def lines(log):
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_it_is_off_by_default(place, tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert main(["query", str(place), "0.png"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"x.index", "images"}


def test_a_line_says_what_was_asked_and_shown_by_keyed_hashes(place, log):
    assert main(["query", str(place), "0.png", "-k", "2"]) == 0
    (line,) = lines(log)
    assert (line["command"], line["code"], line["user"]) == ("query", 0, os.getuid())
    with Index.open(place) as index:
        key = index.ask(lambda snapshot: snapshot.catalogue.key)
        hits = [hit.id for hit in index.query("0.png", k=2)]
    assert line["asked"] == [hashed(key, "access", "0.png")]
    assert line["shown"] == [hashed(key, "access", id) for id in hits]
    assert ".png" not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_what_fails_and_what_changes_is_logged_too(place, log):
    assert main(["query", str(place), "none.png"]) == 1
    assert main(["remove", str(place), "1.png"]) == 0
    assert main(["classify", str(place), "0.png"]) in (0, 1, 2)
    assert main(["info", str(place)]) == 0
    assert [(line["command"], line["code"]) for line in lines(log)][:2] == [("query", 1), ("remove", 0)]
    assert [line["command"] for line in lines(log)] == ["query", "remove", "classify", "info"]


def test_commands_that_draw_write_and_measure_say_what_they_showed(place, log, tmp_path):
    (tmp_path / "l.csv").write_text("path,label\n" + "".join(f"{n}.png,{'ab'[n % 2]}\n" for n in range(4)))
    assert (
        main(["index", str(tmp_path / "images"), "-o", str(place), "--labels", str(tmp_path / "l.csv")]) == 0
    )
    for line in (
        ["explain", place, "0.png", "1.png", "--by", "thumbnail", "-o", tmp_path / "e.png"],
        ["map", place, "--method", "pca", "-o", tmp_path / "m.html"],
        ["export", place, "--npz", tmp_path / "v.npz"],
        ["evaluate", place, "--trec", tmp_path / "trec"],
        ["duplicates", place],
    ):
        assert main([str(word) for word in line]) == 0, line
    with Index.open(place) as index:
        key = index.ask(lambda snapshot: snapshot.catalogue.key)
    every = [hashed(key, "access", f"{n}.png") for n in range(4)]
    _, explained, drawn, exported, evaluated, duplicates = lines(log)
    assert explained["asked"] == every[:2] and explained["shown"] == every[1:2]
    assert drawn["shown"] == exported["shown"] == evaluated["shown"] == every
    assert duplicates["shown"] == []
    assert ".png" not in log.read_text()


def test_nothing_is_shown_if_the_log_cannot_be_written(place, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none" / "access.log"))
    capsys.readouterr()
    assert main(["query", str(place), "0.png"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "the access log cannot be written" in shown.err


def test_without_the_key_it_counts(place, log, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))
    assert main(["query", str(place), "0.png", "-k", "2"]) == 0
    assert (lines(log)[0]["asked"], lines(log)[0]["shown"]) == (1, 2)
