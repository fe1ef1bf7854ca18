"""Links: every file, heading and page that a document points to is there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/*.md", "benchmarks/results/*.md", "deep/*.md")
    for path in ROOT.glob(pattern)
)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_points_to_something(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    broken = []
    for target in re.findall(r"\]\((?![a-z]+:)([^)\s]+)\)", text):
        place, _, anchor = target.partition("#")
        path = document.parent / place if place else document
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if DOCS in path.parents], ids=name)
def test_every_page_that_is_named_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", text)
    for tree in re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        named += [line for line in tree.splitlines() if line and not line.startswith(":") and "*" not in line]
    pages = [(DOCS / page[1:] if page.startswith("/") else document.parent / page) for page in named]
    assert [page for page in pages if not page.with_name(f"{page.name}.md").is_file()] == []


def test_every_page_is_in_a_table_of_contents() -> None:
    listed = " ".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("index.md"))
    pages = {path.stem for path in DOCS.rglob("*.md") if "tables" not in path.parts and path.stem != "index"}
    assert {
        page for page in pages if not re.search(rf"^(.*/)?{page}$", listed.replace(" #", "\n#"), re.MULTILINE)
    } == set()


def relative_links(text: str) -> list[str]:
    return re.findall(r"\]\((?![a-z]+:)([^)\s]+)\)", text)


def test_the_readme_of_a_package_index_has_no_link_that_leads_nowhere() -> None:
    description = runpy.run_path(str(ROOT / "setup.py"))["description"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    files = relative_links(readme)
    assert files
    # Without an address of the repository each file is named in place of its link.
    named = description(readme, "")
    assert relative_links(named) == []
    assert [file for file in files if f"`{file}`" not in named] == []
    assert "[rclip](https://" in named
    linked = description(readme, "https://example.org/semblance/blob/main")
    assert relative_links(linked) == []
    assert "(https://example.org/semblance/blob/main/LICENSE)" in linked
    assert "(https://example.org/semblance/raw/main/docs/figures/report.png)" in linked
