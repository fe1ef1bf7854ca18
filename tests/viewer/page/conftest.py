"""The page in a real browser, on a real server; every test also sees that it stayed clean."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from support.browser import CHROMIUM, FLAGS
from support.network_lock import unchanged

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def lacking() -> str:
    """Name what the page cannot be tested without, and how to get it; empty if all is here."""
    if CHROMIUM is None:
        return "chromium (Debian: apt-get install chromium)"
    names = ("playwright", "strawberry")
    return next((f"{name} (pip install 'semblance[dev]')" for name in names if not find_spec(name)), "")


_LACKING = lacking()
# The base packages alone, as the wheel is tested, have no server.
if _LACKING and "SEMBLANCE_WHEEL" not in os.environ and "chromium" in os.environ.get("SEMBLANCE_REQUIRE", ""):
    raise RuntimeError(f"the page must be tested here, which needs {_LACKING}")

REFERENCES = (
    "label,kind,title,text,link,picture\n"
    "fibrosis,case,A case of fibrosis,Honeycombing; traction; loss of volume,,ct0/000.dcm\n"
    "fibrosis,literature,On fibrosis,A review.,https://example.org/fibrosis,\n"
    "fibrosis,anatomy,The lobes,Lower lobes first.,,\n"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what no browser is here for, and say how to get one."""
    here = Path(__file__).parent
    for item in items:
        if _LACKING and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=f"needs {_LACKING}"))


@pytest.fixture(scope="session")
def page_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index that no test changes, with references beside it."""
    from support.served import make_index

    index = make_index(tmp_path_factory.mktemp("page"))
    (index.parent / "references.csv").write_text(REFERENCES)
    return index


@pytest.fixture(scope="session")
def address(page_index: Path) -> Iterator[str]:
    """The address of a server of the index."""
    from support.server_process import command

    with command(page_index, "--references", page_index.parent / "references.csv") as (_, found, _):
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module: while it runs, no other test can have an event loop."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address in a tab; afterwards no tab may have had an error or asked another host."""
    contexts, faults = [], []

    def open_tab(
        address: str, width: int = 1280, height: int = 800, allows: str = "", **more: object
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        host = urlsplit(address).netloc
        tab = context.new_page()
        tab.set_default_timeout(60_000)

        def note(text: str) -> None:
            if not allows or allows not in text:
                faults.append(text)

        def watch(url: str) -> None:
            if not url.startswith(("blob:", "data:")) and urlsplit(url).netloc != host:
                note(f"foreign: {url}")

        tab.on("console", lambda one: note(f"console: {one.text}") if one.type == "error" else None)
        tab.on("pageerror", lambda one: note(f"error: {one}"))
        tab.on("request", lambda one: watch(one.url))
        tab.goto(address)
        return tab

    with unchanged():
        yield open_tab
        for context in contexts:
            context.close()
    assert faults == []
