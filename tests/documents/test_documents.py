"""The documents: every command, flag and table in them is put to the test."""

from __future__ import annotations

import configparser
import re
import shlex
from importlib.metadata import version
from pathlib import Path

import pytest

from bovw.descriptors import DESCRIPTORS
from bovw.detectors import DETECTORS
from cli.main import COMMANDS, main, parse
from retrieval.index.catalogue.schema import FORMAT, TABLES
from retrieval.readers.dicom.header import METADATA
from retrieval.readers.formats import FORMATS
from retrieval.readers.window import ALIASES, MEASURED, PRESETS
from retrieval.registry import DEFAULT, installed

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README, ARCHITECTURE, CHANGELOG, CONTRIBUTING = (
    (ROOT / f"{name}.md").read_text(encoding="utf-8")
    for name in ("README", "ARCHITECTURE", "CHANGELOG", "CONTRIBUTING")
)
PAGES = {
    path.relative_to(DOCS).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(DOCS.rglob("*.md"))
    if "tables" not in path.parts
}
DOCUMENTS = {"README": README, "ARCHITECTURE": ARCHITECTURE, "CHANGELOG": CHANGELOG, **PAGES}
GUIDES = "\n".join([README, *PAGES.values()])
TYPED = sorted(
    {
        line.removeprefix("$ ")
        for _, block in re.findall(r"^```(\w*)\n(.*?)^```", GUIDES, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
        if line.startswith("$ semblance ")
    }
)
LIKE = ("thumbnail", "colour", "deep", "vlad", "asmk", *DETECTORS)


def rows(text: str, head: str) -> list[list[str]]:
    """Return the cells of the table whose first column is called so."""
    table = text.split(f"\n| {head} |")[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.splitlines()[2:]]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


@pytest.mark.parametrize("line", TYPED)
def test_every_command_can_be_typed(line: str) -> None:
    arguments = shlex.split(line)[1:]
    assert parse(arguments).command == arguments[0]


def test_every_command_is_shown_or_spoken_of() -> None:
    for command in COMMANDS:
        assert f"semblance {command}" in GUIDES or f"`{command}`" in GUIDES or f"make {command}" in GUIDES


def test_no_document_installs_the_project_of_others_that_has_the_name_on_pypi() -> None:
    tables = [path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks" / "results").glob("*.md")]
    for text in [README, CONTRIBUTING, *PAGES.values(), *tables]:
        named = re.findall(r"pip install '?semblance\b", text)
        # The one page that says what this does.
        assert len(named) == (text == PAGES["how-to/install"])


def test_every_flag_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    by = [argument for name in LIKE for argument in ("--by", name)]
    main(["--help"])
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
    for text in (GUIDES, ARCHITECTURE, CONTRIBUTING):
        assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_file_that_is_named_is_there(text: str) -> None:
    code = [
        name for name in quoted(text) if re.fullmatch(r"[a-z_]+/[\w/]*(\.py)?", name) and "NAME" not in name
    ]
    missing = [name for name in code if not (ROOT / name).exists()]
    assert [
        name for name in missing if not name.startswith(("demo/", "segments/", "codes/", "models/", "build/"))
    ] == []


def test_the_table_of_representations_is_that_of_the_registry() -> None:
    named = [quoted(row[0])[0] for row in rows(PAGES["reference/settings"], "`--by`")]
    assert len(set(named)) == len(named)
    assert set(LIKE) <= set(named) <= set(installed())
    *first, last = (f"`{name}`" for name in DEFAULT)
    shown_default = f"{', '.join(first)} and {last}"
    assert f"without it an index gets {shown_default}." in PAGES["reference/settings"]
    assert f"new indexes get {shown_default}." in CHANGELOG


def test_the_formats_and_windows_are_those_that_are_read() -> None:
    formats = " ".join(row[0] for row in rows(PAGES["reference/formats"], "format")).lower()
    assert set(FORMATS) == {name for name in re.findall(r"\w+", formats) if name in FORMATS}
    windows = [name for row in rows(PAGES["reference/formats"], "`--window`") for name in quoted(row[0])]
    assert set(windows) == {*PRESETS, *MEASURED, *ALIASES, "40,400"}


def test_what_is_kept_of_a_header_is_listed_whole() -> None:
    listed = PAGES["how-to/privacy"].split("this list and nothing else:")[1].split(". No names")[0]
    added = {"rows", "cols", "frame", "position", "normal", "plane", "sop_class", "kind"}
    assert set(quoted(listed)) == {name for name, *_ in METADATA} | added


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


def test_the_readme_is_of_two_screens() -> None:
    assert len(README.splitlines()) <= 150


def test_figures_are_small_and_each_is_shown() -> None:
    figures = {path.name: path.stat().st_size for path in (DOCS / "figures").glob("*.png")}
    assert all(size < 150_000 for size in figures.values())
    assert set(re.findall(r"figures/(\w+\.png)", GUIDES)) == set(figures)


def test_every_extra_is_explained() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    explained = {quoted(row[0])[0] for row in rows(PAGES["how-to/install"], "extra")}
    old = {name for name in config["options.extras_require"] if not config["options.extras_require"][name]}
    assert explained == set(config["options.extras_require"]) - old
    assert all(f"`{name}`" in PAGES["how-to/install"] for name in old)
    assert explained == {name for row in rows(README, "extra") for name in quoted(row[0])}
