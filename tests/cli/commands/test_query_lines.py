"""``semblance query --stdin``: a line in, a line out, and errors that stop nothing."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from cli.main import main
from cli.options import query_lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with images and an index of their thumbnails."""
    place = tmp_path_factory.mktemp("lines")
    random = np.random.default_rng(0)
    (place / "in").mkdir()
    for i in range(6):
        cv2.imwrite(str(place / "in" / f"{i}.png"), random.integers(0, 255, (40, 40), np.uint8))
    command = ["index", place / "in", "-o", place / "an.index", "--by", "thumbnail", "--jobs", "1", "--quiet"]
    assert main([str(word) for word in command]) == 0
    return place


def ask(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    text: str | bytes,
    *flags: str,
    index: Path | None = None,
) -> tuple[int, list[Any], str]:
    """Return the exit code, what was printed line by line, and what stderr says."""
    capsys.readouterr()
    lines = text.encode() if isinstance(text, str) else text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(lines)))
        code = main(["query", str(index or folder / "an.index"), "--stdin", *flags])
    said = capsys.readouterr()
    return code, [json.loads(line) for line in said.out.splitlines()], said.err


def test_each_line_is_answered_as_the_command_would(folder, capsys) -> None:
    main(["query", str(folder / "an.index"), "1.png", "2.png", "-k", "2", "--json"])
    expected = json.loads(capsys.readouterr().out)
    code, found, _ = ask(folder, capsys, "1.png\r\n\n2.png", "-k", "2")
    assert (code, found) == (0, expected)


def test_shards_are_asked_line_by_line_too(folder, tmp_path, capsys) -> None:
    _, expected, _ = ask(folder, capsys, "1.png\n2.png")
    words = ["shard", folder / "an.index", "--into", 2, "-o", tmp_path / "split", "--quiet"]
    assert main([str(word) for word in words]) == 0
    code, found, _ = ask(folder, capsys, "1.png\n2.png", index=tmp_path / "split" / "shards.toml")
    assert (code, found) == (0, expected)


def test_options_of_a_line_go_before_those_of_the_command(folder, capsys) -> None:
    lines = [
        {"image": "1.png", "k": 1},
        {"image": "1.png", "exclude_self": True},
        {"image": "1.png", "exclude_self": False, "by": ["thumbnail"]},
        {"image": str(folder / "in" / "3.png")},
    ]
    code, found, _ = ask(folder, capsys, "\n".join(map(json.dumps, lines)), "-k", "9")
    assert code == 0
    assert [len(answer["hits"]) for answer in found] == [1, 5, 6, 6]
    assert "1.png" not in [hit["id"] for hit in found[1]["hits"]]
    assert found[3]["hits"][0]["id"] == "3.png"


def test_false_turns_off_what_the_command_line_says(folder, capsys) -> None:
    _, found, _ = ask(folder, capsys, '{"image": "1.png", "exclude_self": false}\n1.png', "--exclude-self")
    assert [len(answer["hits"]) for answer in found] == [6, 5]


def test_false_is_no_value_of_what_is_no_flag(folder, capsys) -> None:
    # Each was passed over: the first is how Python says it, and the query itself was the answer.
    lines = '{"image": "1.png", "include_self": false}\n{"image": "1.png", "where": false}'
    code, found, _ = ask(folder, capsys, lines)
    assert code == 1
    assert "--include-self" in found[0]["error"]
    assert found[1]["error"] == "where: is false, and wants a value"


def test_a_polygon_is_numbers_in_a_row_or_corners(folder, capsys) -> None:
    lines = [[1, 1, 30, 1, 30, 30], [[1, 1], [30, 1], [30, 30]], [[1, 1], [30, 1]], [[1, 1], "x"]]
    asked = [json.dumps({"image": "1.png", "polygon": one}) for one in lines]
    _, found, _ = ask(folder, capsys, "\n".join(asked))
    assert found[0]["hits"] == found[1]["hits"]
    assert all("no polygon" in answer["error"] for answer in found[2:])


def test_an_error_is_the_answer_of_its_line_alone(folder, capsys) -> None:
    lines = [
        "9.png",
        "1.png",
        '{"image": "1.png", "kk": 2}',
        '{"k": 2}',
        '{"image": ',
        '{"image": "1.png", "k": 0}',
    ]
    lines += [
        '{"image": "1.png", "report": "a.html"}',
        '{"image": "1.png", "by": "nothing"}',
        str(folder / "in"),
    ]
    lines += [
        '{"image": "1.png", "region": {"x": 1}}',
        '{"image": "1.png", "region": [90, 90, 5, 5]}',
        "[" * 9,
        '{"image": "1.png", "term": "effusion"}',
        '{"image": "1.png", "k": true}',
        '{"image": "1.png", "group-by": true}',
        '{"image": "1.png", "region": [NaN, 1, 5, 5]}',
        '{"image": "1.png", "geojson": "places"}',
        '{"image": "1.png", "heat-map": "heat.png"}',
    ]
    code, found, err = ask(folder, capsys, "\n".join(lines))
    assert (code, err) == (1, "")
    assert [("error" in answer) for answer in found] == [i != 1 for i in range(len(lines))]
    assert found[0] == {"query": "9.png", "error": found[0]["error"]}
    said = [answer.get("error", "") for answer in found]
    assert "neither in this index nor on disk" in said[0]
    assert "--kk" in said[2]
    assert 'write {"image"' in said[3]
    assert "one object a line" in said[4]
    assert "'0' is no whole number above 0" in said[5]
    assert "give it as a flag" in said[6]
    assert "is 6 images; name one" in said[8]
    assert "region" in said[9]
    assert "outside the image" in said[10]
    assert "term: asks with no image" in said[12]
    assert said[13] == "k: is true, and wants a value"
    assert said[14] == "group-by: is true, and wants a value"
    assert "nan is no number" in said[15]
    assert "give it as a flag" in said[16] and "give it as a flag" in said[17]
    assert found[5]["query"] == "1.png"


def test_a_line_without_end_costs_itself_alone(folder, capsys, monkeypatch) -> None:
    monkeypatch.setattr(query_lines, "LONGEST", 100)
    code, found, _ = ask(folder, capsys, "x" * 1000 + "\n1.png\n", "-k", "1")
    assert code == 1
    assert "more than 100 bytes" in found[0]["error"]
    assert found[1]["hits"][0]["id"] == "1.png"


def test_bytes_that_are_no_text_are_a_name_that_is_not_there(folder, capsys) -> None:
    code, found, _ = ask(folder, capsys, b"\xff\xfe.png\n1.png\n")
    assert code == 1
    assert "error" in found[0] and "hits" in found[1]


def test_no_lines_are_no_queries(folder, capsys) -> None:
    assert ask(folder, capsys, "") == (0, [], "")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["1.png"], "leave IMAGE out"),
        (["--report", "a.html"], "--report does not go with --stdin"),
        (["--csv"], "--csv does not go with --stdin"),
        (["--volume"], "--volume does not go with --stdin"),
    ],
)
def test_what_does_not_go_with_lines_is_refused(folder, capsys, flags, said) -> None:
    code, found, err = ask(folder, capsys, "1.png\n", *flags)
    assert (code, found) == (2, [])
    assert said in err and err.count("\n") == 1


def test_a_query_without_images_is_refused(folder, capsys) -> None:
    assert main(["query", str(folder / "an.index")]) == 2
    said = capsys.readouterr().err
    assert "required: IMAGE; or --term, or --stdin (see semblance query --help)" in said


@pytest.mark.parametrize("name", ["help", "heat_map", "geojson", "heat-map"])
def test_no_line_ends_the_others_or_asks_for_what_is_not_written(folder, capsys, name) -> None:
    value = True if name == "help" else "written"
    code, (refused, answered), _ = ask(
        folder, capsys, json.dumps({"image": "1.png", name: value}) + "\n2.png"
    )
    assert code == 1 and list(refused) == ["query", "error"]
    assert answered["query"] == "2.png" and answered["hits"]
