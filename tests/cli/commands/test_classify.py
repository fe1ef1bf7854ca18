"""The command line says what a picture is called."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cli.main import main

N = 12


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    lines = ["path,label,patient"]
    for name, grey in (("dark", 40), ("light", 200)):
        (place / "scans" / name).mkdir(parents=True)
        for i in range(N):
            noise = np.random.default_rng(i + grey).integers(-20, 20, (32, 32))
            levels = (grey + noise).astype(np.uint8)
            levels[:, :16] = 120
            Image.fromarray(levels).save(place / "scans" / name / f"{i}.png")
            if i:
                lines.append(f"{name}/{i}.png,{name},p{i}")
    (place / "labels.csv").write_text("\n".join([*lines, ""]))
    arguments = ["index", place / "scans", "-o", place / "i", "--by", "thumbnail", "--by", "colour"]
    assert run(*arguments, "--jobs", "1", "--labels", place / "labels.csv") == 0
    return place


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return what a command prints on stdout."""
    capsys.readouterr()
    assert run(*arguments) == 0
    return capsys.readouterr().out


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[Any]:
    """Return what a command prints as JSON."""
    answers: list[Any] = json.loads(printed(capsys, *arguments, "--json"))
    return answers


def test_a_line_says_the_label_and_how_sure_it_is(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, dark, light = printed(capsys, "classify", made / "i", "dark/0.png", "light/0.png").splitlines()
    assert head.split() == ["query", "label", "confidence", "votes"]
    assert dark.split()[:2] == ["dark/0.png", "dark"] and light.split()[:2] == ["light/0.png", "light"]
    assert 0.8 < float(dark.split()[2]) < 1


def test_json_says_who_voted(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = asked(capsys, "classify", made / "i", "dark/0.png", "--by", "thumbnail", "-k", 3)
    assert (found["label"], found["best"], found["doubt"]) == ("dark", "dark", None)
    assert found["votes"] == {"dark": 1.0} and found["calibrated_on"] == 2 * (N - 1)
    assert [n["rank"] for n in found["neighbours"]] == [1, 2, 3]
    assert {tuple(n["labels"]) for n in found["neighbours"]} == {("dark",)}
    assert 0 <= found["likeness_percentile"] <= 1


def test_csv_and_the_table_say_when_nothing_is_known(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unsure = ("classify", made / "i", "dark/0.png", "--unsure", "1")
    (row,) = csv.DictReader(io.StringIO(printed(capsys, *unsure, "--csv")))
    assert (row["label"], row["best"], row["share"], row["doubt"]) == ("", "dark", "1.0000", "unsure")
    assert row["votes"] == "dark=1.0000"
    head, line = printed(capsys, *unsure).splitlines()
    assert head.endswith("doubt") and "don't know" in line and line.endswith("unsure")


def test_a_file_of_the_index_does_not_vote_for_itself(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = made / "scans" / "dark" / "3.png"
    by_file, by_id = (
        asked(capsys, "classify", made / "i", one, "--by", "thumbnail", "-k", 5)[0]
        for one in (image, "dark/3.png")
    )
    assert "dark/3.png" not in {n["id"] for n in by_file["neighbours"]}
    assert by_file["neighbours"] == by_id["neighbours"]


def test_the_patient_is_left_out_where_it_is_known(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("classify", made / "i", "dark/3.png", "-k", 50, "--not-same", "patient", "--fusion", "sum")
    (found,) = asked(capsys, *arguments)
    assert not {n["id"] for n in found["neighbours"]} & {"dark/3.png", "light/3.png"}
    assert run("classify", made / "i", "dark/0.png", "--not-same", "patient") == 0
    assert "--not-same patient: no patient is known of dark/0.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("dark/0.png", "--unsure", "2"), 2, "unsure: 2.0; give a probability, from 0 to 1"),
        (("dark/0.png", "--label-of", "dose"), 2, "no column 'dose' in this index; it has"),
        (("dark/0.png", "--where", "label = 'none'"), 2, "label_of: no image that may vote has a value of"),
        (("dark/0.png", "--by", "deep"), 2, "by: no representation 'deep' in this index"),
        (("dark/0.png", "--fusion", "learnt"), 2, "fusion: no weights were learnt for"),
        (("dark/0.png", "-k", "0"), 2, "no whole number above 0"),
        (("dark/99.png",), 1, "dark/99.png: neither in this index nor on disk"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    made: Path, arguments: tuple[str, ...], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run("classify", made / "i", *arguments) == code
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and message in said.err
