"""Options that belong to others are refused without them: none is passed over in silence."""

from __future__ import annotations

import pytest
from support.drawings import draw_numbered
from support.indexes import index_thumbnails

from cli.main import main


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with images and an index of their thumbnails."""
    place = tmp_path_factory.mktemp("apart")
    index_thumbnails(place / "ix", draw_numbered(place / "in", 3))
    return place


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--path-column file", "--path-column: names a column of a table of labels"),
        ("--label-column class --label-by folder", "--label-column: names a column of a table of labels"),
        ("--cache kept", "--cache: is for archives"),
        ("--dry-run --skipped s.csv", "--skipped: is about a run, and --dry-run makes none"),
        ("--dry-run --timings", "--timings: is about a run, and --dry-run makes none"),
        ("--dry-run --follow", "--follow: is about a run, and --dry-run makes none"),
    ],
)
def test_index_refuses_what_it_would_pass_over(place, capsys, words, message) -> None:
    assert main(["index", str(place / "in"), "-o", str(place / "ix"), *words.split()]) == 2
    assert message in capsys.readouterr().err


def test_query_refuses_micrometres_of_no_region(place, capsys) -> None:
    for words in (["--um"], ["--um", "--volume"]):
        assert main(["query", str(place / "ix"), "1.png", *words]) == 2
        assert "--um: there is no field that it belongs to" in capsys.readouterr().err
    for image in ("1.png", str(place / "in/1.png")):
        assert main(["query", str(place / "ix"), image, "--um-per-px", "2"]) == 2
        assert "--um-per-px: is for an index of slides" in capsys.readouterr().err
    assert main(["query", str(place / "ix"), "1.png", "--volume", "--um-per-px", "2"]) == 2
    assert "is of one field of a slide" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--list fat", "NAME: does not go with --list"),
        ("--list --by thumbnail", "--by: does not go with --list"),
        ("fat fields.csv --drop", "FILE: does not go with --drop"),
        ("fat --drop --um-per-px 2", "--um-per-px: does not go with --drop"),
        ("fat --slide s.svs", "--slide: is about fields of FILE, and none is given"),
        ("fat --um-per-px 2", "--um-per-px: is about fields of FILE, and none is given"),
    ],
)
def test_learn_concept_refuses_what_it_would_pass_over(place, capsys, words, message) -> None:
    assert main(["learn-concept", str(place / "ix"), *words.split()]) == 2
    assert message in capsys.readouterr().err
