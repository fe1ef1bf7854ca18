"""The documents: every command, flag, table and snippet in them is put to the test."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bovw
from bovw.descriptors import DESCRIPTORS
from bovw.detectors import DETECTORS
from cli.main import COMMANDS, main, parse
from cli.output.formats import as_json
from retrieval.index.catalogue.schema import FORMAT, TABLES
from retrieval.readers.dicom.header import METADATA
from retrieval.readers.formats import FORMATS
from retrieval.readers.window import ALIASES, MEASURED, PRESETS
from retrieval.registry import installed, make
from viewer.answer import Answer, Caption, Row

ROOT = Path(__file__).resolve().parents[2]
README, ARCHITECTURE, CHANGELOG, CONTRIBUTING = (
    (ROOT / f"{name}.md").read_text(encoding="utf-8")
    for name in ("README", "ARCHITECTURE", "CHANGELOG", "CONTRIBUTING")
)
DOCUMENTS = {"README": README, "ARCHITECTURE": ARCHITECTURE, "CHANGELOG": CHANGELOG}
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
TYPED = [
    line.removeprefix("$ ")
    for _, block in BLOCKS
    for line in block.splitlines()
    if line.removeprefix("$ ").startswith("semblance ")
]
LIKE = ("thumbnail", "colour", "deep", "vlad", "asmk", *DETECTORS)


def rows(text: str, head: str) -> list[list[str]]:
    """Return the cells of the table whose first column is called so."""
    table = text.split(f"\n| {head} |")[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def shown(value: Any) -> str:
    """Return a setting as the help shows it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()


@pytest.mark.parametrize("line", TYPED)
def test_every_command_can_be_typed(line: str) -> None:
    arguments = shlex.split(line)[1:]
    assert parse(arguments).command == arguments[0]


def test_every_command_is_shown_or_spoken_of() -> None:
    for command in COMMANDS:
        assert f"semblance {command}" in README or f"`{command}`" in README or f"make {command}" in README


def test_every_flag_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    by = [argument for name in LIKE for argument in ("--by", name)]
    for command in COMMANDS:
        main([command, *(by if command in ("index", "query") else []), "--help"])
    known = set(re.findall(r"--[a-z][\w-]*", capsys.readouterr().out))
    for name, text in DOCUMENTS.items():
        spoken = {
            flag
            for code in quoted(text)
            if not code.startswith("python")
            for flag in re.findall(r"(?<!\S)--[a-z][\w-]*", code)
        }
        assert spoken - known == set(), name


def test_every_target_of_make_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for text in (README, ARCHITECTURE, CONTRIBUTING):
        assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_file_that_is_named_is_there(text: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    code = [
        name for name in quoted(text) if re.fullmatch(r"[a-z_]+/[\w/]*(\.py)?", name) and "NAME" not in name
    ]
    missing = [name for name in {*links, *code} if not (ROOT / name).exists()]
    assert [name for name in missing if not name.startswith(("demo/", "segments/", "models/"))] == []


def test_the_table_of_representations_is_that_of_the_registry() -> None:
    named = [quoted(row[0])[0] for row in rows(README, "`--by`")]
    assert len(set(named)) == len(named)
    assert set(LIKE) <= set(named) <= set(installed())
    shown_default = " and ".join(f"`{name}`" for name in bovw.DEFAULT)
    assert f"without it an index gets {shown_default}." in README
    assert f"new indexes get {shown_default}." in CHANGELOG


@pytest.mark.parametrize("row", rows(README, "setting"), ids=" ".join)
def test_the_table_of_settings_has_the_defaults(row: list[str]) -> None:
    flag, of, default, _ = row
    name = quoted(flag)[0].removeprefix("--").replace("-", "_")
    assert quoted(of)
    for representation in quoted(of):
        settings = make(representation).settings
        value = settings[name]
        assert shown(tuple(value) if isinstance(value, list) else value) == default


def test_the_formats_and_windows_are_those_that_are_read() -> None:
    formats = " ".join(row[0] for row in rows(README, "format")).lower()
    assert set(FORMATS) == {name for name in re.findall(r"\w+", formats) if name in FORMATS}
    windows = [name for row in rows(README, "`--window`") for name in quoted(row[0])]
    assert set(windows) == {*PRESETS, *MEASURED, *ALIASES, "40,400"}


def test_what_is_kept_of_a_header_is_listed_whole() -> None:
    listed = README.split("this list and nothing else:")[1].split(". No names")[0]
    added = {"rows", "cols", "frame", "position", "normal", "plane", "sop_class"}
    assert set(quoted(listed)) == {name for name, _ in METADATA} | added


def test_the_json_is_what_is_printed() -> None:
    block = next(text for _, text in BLOCKS if "--json" in text)
    expected = block.partition("\n")[2]
    hits = json.loads(expected)[0]["hits"]
    rebuilt = [
        Row(Caption(hit["id"], "MR brain", hit["group"]), hit["rank"], hit["score"], hit["box"])
        for hit in hits
    ]
    assert as_json([Answer(Caption(hits[0]["id"]), "superpixel", tuple(rebuilt))]) == expected


def test_the_results_have_their_places() -> None:
    for name in ("quality", "speed"):
        assert README.count(f"<!-- {name} -->") == README.count(f"<!-- /{name} -->") == 1


def test_the_changes_speak_of_this_version_and_format() -> None:
    assert f"## {version('semblance')}" in CHANGELOG
    assert f"its format has the number {FORMAT}." in CHANGELOG


def test_the_architecture_names_every_table_and_registry() -> None:
    tables = set(re.findall(r"CREATE TABLE (\w+)", TABLES))
    assert {name for row in rows(ARCHITECTURE, "table") for name in quoted(row[0])} == tables
    for name in (
        "DETECTORS",
        "DESCRIPTORS",
        "DescriptorName",
        "of_descriptor",
        "_MAGIC",
        "FORMATS",
    ):
        assert f"`{name}`" in ARCHITECTURE
    assert {"fine", "rootsift", "patch"} <= DESCRIPTORS.keys()


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write pictures where the demo writes its own, and index them as ``my.index``."""
    for i in range(6):
        path = (
            tmp_path / "demo" / "pictures" / ("cell" if i else "retina") / ("r1c2.png", f"r0c{i}.png")[i > 0]
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        levels = np.random.default_rng(i).integers(0, 255, (32, 32), dtype=np.uint8)
        Image.fromarray(levels).resize((256, 256), Image.Resampling.BICUBIC).save(path)
    lines = [f"cell/r0c{i}.png,cell" for i in range(1, 6)]
    (tmp_path / "demo" / "labels.csv").write_text("\n".join(["path,label", *lines, ""]))
    monkeypatch.chdir(tmp_path)
    arguments = ["-o", "my.index", "--by", "thumbnail", "--labels", "demo/labels.csv", "--jobs", "1"]
    assert main(["index", "demo/pictures", *arguments]) == 0
    return tmp_path


def test_the_snippets_run(demo: Path) -> None:
    of_index, of_words = (text for kind, text in BLOCKS if kind == "python")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(of_index, {})
        exec(of_words, {})
    *hits, ranked = said.getvalue().splitlines()
    assert [line.split()[0] for line in hits] == ["1", "2", "3", "4", "5"]
    assert all("cell/" in line for line in hits)
    assert ranked.startswith("['r0c1.png', ")
