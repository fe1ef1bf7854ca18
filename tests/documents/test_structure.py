"""The house: rooms and arrows of a folder, the way of its imports, and how long and well said its code is."""

from __future__ import annotations

import ast
import re
import statistics

import pytest
from support.structure import PRODUCT, ROOT, arrows, circle, comments, functions, modules, parsed, rooms

MOST = {
    "retrieval": (18, 63),
    "retrieval/index": (10, 26),
    "bovw": (12, 27),
    "cli": (21, 33),
    "deep": (7, 11),
    "benchmarks": (8, 10),
}
"""The most rooms of a folder, and the most arrows between them."""


@pytest.mark.parametrize("folder", MOST)
def test_a_folder_has_few_rooms_and_few_arrows_between_them(folder: str) -> None:
    n_rooms, n_arrows = MOST[folder]
    assert len(rooms(folder)) <= n_rooms
    assert len(arrows(folder)) <= n_arrows


@pytest.mark.parametrize("folder", sorted({path.parent for path in modules(*PRODUCT, "benchmarks")}))
def test_no_rooms_import_each_other_in_a_circle(folder) -> None:
    assert circle(arrows(folder.relative_to(ROOT).as_posix())) == []


def test_a_circle_is_found() -> None:
    assert circle({("a", "b"), ("b", "c"), ("c", "a"), ("a", "d")}) == ["a", "b", "c"]
    assert circle({("a", "b"), ("b", "c"), ("a", "c")}) == []


def test_no_file_is_above_250_lines() -> None:
    files = modules(*PRODUCT, "benchmarks")
    assert [str(p.relative_to(ROOT)) for p in files if len(p.read_text("utf-8").splitlines()) > 250] == []


def test_functions_are_short() -> None:
    sizes = sorted(size for path in modules(*PRODUCT) for _, size in functions(path))
    assert statistics.median(sizes) <= 8
    assert sizes[int(len(sizes) * 0.95)] <= 22


@pytest.mark.parametrize("package", PRODUCT)
def test_the_code_says_why(package: str) -> None:
    said, code = map(sum, zip(*(comments(path) for path in modules(package)), strict=True))
    assert said >= 0.05 * code


def test_errors_speak_of_images() -> None:
    # In the code a Picture is a class; who reads an error has images. Settings keep their names.
    said = {
        text.value
        for path in modules(*PRODUCT)
        for node in parsed(path)
        if isinstance(node, ast.Raise)
        for text in ast.walk(node)
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    }
    assert len(said) > 500
    assert [text for text in said if re.search(r"\b[Pp]ictures?\b", text)] == [", pictures "]
