"""The golden indexes of earlier formats: they open, are whole, and answer as the code did that made them."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from golden.records import Places, differences, parsed, scrubbed
from support.indexes import change

from cli.main import main
from retrieval.index.storage.key_file import keep_key

FORMATS = (1, 2, 3, 4)
GOLDEN = {number: Path(__file__).parent / f"format{number}" for number in FORMATS}
EXPECTED = {number: json.loads((GOLDEN[number] / "expected.json").read_text()) for number in FORMATS}
RECORDS = [(number, record) for number in FORMATS for record in EXPECTED[number]["records"]]


def run(places: Places, command: Sequence[str]) -> Any:
    """Run a command, and return what it printed, as it was recorded."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(places.filled(command))
    assert code == 0, f"{' '.join(command)}: exit code {code}"
    return scrubbed(parsed(command, out.getvalue()), places)


def check(places: Places, record: dict[str, Any]) -> None:
    """Fail where a command prints something else than was recorded."""
    found = differences(record["output"], run(places, record["command"]))
    shown = "\n".join(["", " ".join(record["command"]), *found[:10]])
    assert not found, f"{shown}\n{len(found)} differences"


def copied(number: int, folder: Path) -> Places:
    """Return a copy of an index beside its pictures, told of where they lie now."""
    places = Places.below(folder)
    places.copy_pictures(GOLDEN[number])
    places.copy_index(GOLDEN[number], EXPECTED[number]["weights"])
    place_key(GOLDEN[number])
    if number == 1:  # it knows no contents yet, and so would not recognise a folder that has moved
        change(places.index, "UPDATE root SET path = ?", bytes(places.images))
    for record in EXPECTED[number]["update"]:
        check(places, record)  # nothing is read anew
    return places


def place_key(folder: Path) -> None:
    """Put the key of an index that does not hold it where the command line looks for it."""
    if (folder / "key").exists():
        secret = bytes.fromhex((folder / "key").read_text().split()[-1])
        keep_key(secret, folder / "index")


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Places]:
    """Return the copy of an index of a format, made when it is first asked for."""
    return functools.cache(lambda number: copied(number, tmp_path_factory.mktemp("golden")))


def needs_torch(command: Sequence[str]) -> bool:
    """Tell whether a command asks the deep embedding: by its name, or with all others where none is named."""
    asked = {name for flag, name in itertools.pairwise(command) if flag == "--by"}
    return "deep" in asked or (not asked and command[0] != "info")


@pytest.mark.parametrize(
    ("number", "record"),
    RECORDS,
    ids=lambda value: " ".join(value["command"]) if isinstance(value, dict) else None,
)
def test_it_answers_as_it_did(golden: Callable[[int], Places], number: int, record: dict[str, Any]) -> None:
    if needs_torch(record["command"]):
        pytest.importorskip("torch")
    check(golden(number), record)


@pytest.mark.parametrize(("number", "n_images"), [(1, 32), (2, 15), (3, 15), (4, 15)])
def test_it_is_whole(
    golden: Callable[[int], Places], number: int, n_images: int, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    index = golden(number).index
    capsys.readouterr()
    assert main(["verify", str(index)]) == 0
    assert capsys.readouterr().out == f"{index}: whole, {n_images} images\n"


@pytest.mark.parametrize("number", FORMATS)
def test_it_can_be_changed_and_answers_as_it_did_then(number: int, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    places = copied(number, tmp_path)
    for record in EXPECTED[number]["changes"]:
        check(places, record)


@pytest.mark.parametrize("number", FORMATS)
def test_it_holds_no_path_of_the_machine_that_made_it(number: int) -> None:
    data = b"".join(path.read_bytes() for path in (GOLDEN[number] / "index").rglob("*") if path.is_file())
    assert b"/semblance-golden/images" in data
    assert not any(place in data for place in (b"/tmp", b"/home", b"/work", b"/root"))


def test_another_answer_is_noticed(golden: Callable[[int], Places]) -> None:
    record = copy.deepcopy(next(r for number, r in RECORDS if number == 1 and "--trec" in r["command"]))
    record["output"][3][3] *= 1.001
    with pytest.raises(AssertionError, match="1 differences"):
        check(golden(1), record)
