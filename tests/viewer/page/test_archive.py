"""The page and an archive: its buttons are there if the server was told where, and act on a click only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.archive_files import uid, write_study
from support.browser import list_images
from support.served import run

pytest.importorskip("playwright.sync_api")
pytest.importorskip("highdicom")
from playwright.sync_api import Page, expect
from support.server_process import listening

from retrieval.readers.archive import Address

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def archive() -> Iterator[tuple[str, list[bytes]]]:
    """A server that takes what is stored; its address, and the bodies that came."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<title>The viewer</title>")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    server.server_close()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    write_study(tmp_path / "scans", 1, n=3)
    words = ["index", tmp_path / "scans", "-o", tmp_path / "i", "--by", "thumbnail", "--jobs", "1", "--quiet"]
    assert run(words)[0] == 0
    return tmp_path / "i"


def test_a_search_is_sent_and_an_image_opens_in_the_viewer_by_a_click(
    visit: Callable[..., Page], index: Path, archive: tuple[str, list[bytes]]
) -> None:
    place, bodies = archive
    link = f"{place}/viewer?StudyInstanceUIDs={{study}}"
    with listening(index, archive=Address("dicomweb", f"{place}/dw"), viewer_link=link) as address:
        # What a browser says when a server stops in the middle of an answer.
        tab = visit(address, allows="ERR_")
        list_images(tab)
        tab.click('#list [data-id="1-1/1.dcm"]')
        tab.click(".more summary")
        assert bodies == []
        tab.click("#send")
        expect(tab.locator("#toast")).to_contain_text("Stored in the archive: 1 object.")
        assert len(bodies) == 1
        assert uid(1).encode() in bodies[0]
        with tab.context.expect_page() as opened:
            tab.click("#open-viewer")
        assert opened.value.url == f"{place}/viewer?StudyInstanceUIDs={uid(1)}"
        expect(opened.value).to_have_title("The viewer")
        opened.value.close()


def test_without_a_place_there_is_no_button(visit: Callable[..., Page], address: str) -> None:
    tab = visit(address)
    tab.click(".more summary")
    expect(tab.locator("[data-export=csv]")).to_be_visible()
    expect(tab.locator("#send")).to_be_hidden()
    expect(tab.locator("#open-viewer")).to_be_hidden()
