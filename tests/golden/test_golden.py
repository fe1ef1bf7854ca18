"""The golden index of format 1: made by the first code, it opens, is whole, and answers as it did then."""

from __future__ import annotations

import contextlib
import copy
import io
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from golden.records import Places, differences, parsed, scrubbed
from support.indexes import change

from cli.main import main

GOLDEN = Path(__file__).parent / "format1"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())


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


def copied(folder: Path) -> Places:
    """Return a copy of the index beside its pictures, told of where they lie now."""
    places = Places.below(folder)
    places.copy_pictures(GOLDEN)
    places.copy_index(GOLDEN, EXPECTED["weights"])
    # The index knows no contents yet, and so would not recognise a folder that has moved: its format is 1.
    change(places.index, "UPDATE root SET path = ?", bytes(places.images))
    for record in EXPECTED["update"]:
        check(places, record)  # nothing is read anew
    return places


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return copied(tmp_path_factory.mktemp("golden"))


def needs_torch(command: Sequence[str]) -> bool:
    """Tell whether a command asks the deep embedding: by its name, or with all others where none is named."""
    asked = {name for flag, name in itertools.pairwise(command) if flag == "--by"}
    return "deep" in asked or (not asked and command[0] != "info")


@pytest.mark.parametrize("record", EXPECTED["records"], ids=lambda record: " ".join(record["command"]))
def test_it_answers_as_it_did(golden: Places, record: dict[str, Any]) -> None:
    if needs_torch(record["command"]):
        pytest.importorskip("torch")
    check(golden, record)


def test_it_is_whole(golden: Places, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    assert main(["verify", str(golden.index)]) == 0
    assert capsys.readouterr().out == f"{golden.index}: whole, 32 images\n"


def test_it_can_be_changed_and_answers_as_it_did_then(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    places = copied(tmp_path)
    for record in EXPECTED["changes"]:
        check(places, record)


def test_it_holds_no_path_of_the_machine_that_made_it() -> None:
    data = b"".join(path.read_bytes() for path in (GOLDEN / "index").rglob("*") if path.is_file())
    assert b"/semblance-golden/images" in data
    assert not any(place in data for place in (b"/tmp", b"/home", b"/work", b"/root"))


def test_another_answer_is_noticed(golden: Places) -> None:
    record = copy.deepcopy(next(r for r in EXPECTED["records"] if "--trec" in r["command"]))
    record["output"][3][3] *= 1.001
    with pytest.raises(AssertionError, match="1 differences"):
        check(golden, record)
