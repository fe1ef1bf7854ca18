"""What a person keeps from the page, what happens when the server goes, and who may use the page at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.browser import list_images
from support.served import copy_room, run

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect
from support.server_process import listening

Visit = Callable[..., Page]
# What a browser says when a server stops in the middle of an answer, as these tests have it do.
STOPPED = "ERR_"
SCRIPTS = """() => Object.fromEntries(performance.getEntriesByType('resource')
  .filter((one) => one.name.endsWith('.js')).map((one) => [one.name, one.decodedBodySize]))"""

# Red, green and blue of what is on the stage.
STAGE = """() => {
  const { width, height } = document.querySelector('#stage canvas');
  const context = document.querySelector('#stage canvas').getContext('2d');
  return [...context.getImageData(0, 0, width, height).data].filter((_, i) => i % 4 < 3 && i % 97 < 4);
}"""
LUMINANCE = """node => {
  const parts = getComputedStyle(node).color.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255);
  const [r, g, b] = parts.map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}"""

READ = """() => performance.getEntriesByType('resource')
  .filter((one) => one.name.endsWith('/pixels')).length >= 6"""


@pytest.fixture
def own(page_index: Path, tmp_path: Path) -> Path:
    """A copy of the index, whose neighbours a test may change."""
    return copy_room(page_index, tmp_path / "room")


def ask(tab: Page, name: str = "ct0/002.dcm") -> None:
    """Open an image and ask with it."""
    list_images(tab)
    tab.click(f'#list [data-id="{name}"]')
    expect(tab.locator("#look-title")).to_have_text(name)
    # The whole stack: a server that stops while it reads one would answer that something is wrong.
    tab.wait_for_function(READ)
    tab.click("#ask-whole")
    expect(tab.locator(".hit").first).to_be_visible()


def test_tags_become_a_table_that_the_index_takes(visit: Visit, own: Path) -> None:
    with listening(own) as address:
        tab = visit(address, allows=STOPPED)
        ask(tab)
        tab.get_by_role("button", name="Tag hit 1", exact=True).click()
        tab.fill("#tag-name", "honeycombing")
        tab.keyboard.press("Enter")
        expect(tab.locator("#toast")).to_contain_text("Tagged as honeycombing")
        name = tab.locator(".hit").first.get_attribute("data-id")
    table = own.parent / "scans.index.labels.csv"
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [(row["path"], row["label"].split(";")[-1]) for row in rows] == [(name, "honeycombing")]
    images = own.parent / "images"
    new = ["-o", own.parent / "new.index", "--by", "thumbnail", "--labels", table, "--quiet"]
    assert run(["index", images, *new])[0] == 0


def test_a_saved_search_comes_back_after_the_server_was_started_anew(visit: Visit, own: Path) -> None:
    with listening(own) as address:
        tab = visit(address, allows=STOPPED)
        ask(tab)
        tab.select_option("#by", "superpixel")
        tab.click("#saved-button")
        tab.fill("#search-name", "lower lobes")
        tab.click("#save-search")
        expect(tab.locator("#saved-list")).to_contain_text("lower lobes")
        tab.close()
    with listening(own) as address:
        tab = visit(address, allows=STOPPED)
        tab.click("#saved-button")
        tab.get_by_role("button", name="lower lobes", exact=True).click()
        expect(tab.locator("#look-title")).to_have_text("ct0/002.dcm")
        assert "by=superpixel" in tab.url
        expect(tab.locator(".hit").first).to_be_visible()
        tab.close()


def test_an_answer_is_saved_as_a_file(visit: Visit, address: str, tmp_path: Path) -> None:
    tab = visit(address)
    ask(tab)
    tab.click(".more summary")
    first = str(tab.locator(".hit").first.get_attribute("data-id"))

    def saved(form: str) -> bytes:
        with tab.expect_download() as waiting:
            tab.click(f"[data-export={form}]")
        place = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(place)
        return place.read_bytes()

    assert json.loads(saved("json"))[0]["hits"][0]["id"] == first
    assert any(first in cell for cell in saved("csv").decode().splitlines()[1].split(","))
    assert first in saved("report").decode()
    assert saved("sheet").startswith(b"\x89PNG")


def test_a_server_that_goes_is_said_and_nothing_is_lost_when_it_is_back(visit: Visit, own: Path) -> None:
    with listening(own) as address:
        port = urlsplit(address).port
        tab = visit(address, allows=STOPPED)
        ask(tab)
        hits = tab.locator(".hit").count()
    # A click that asks nothing of an image: the answer stays.
    tab.select_option("#level", "patient")
    expect(tab.locator("#gone")).to_be_visible()
    assert tab.locator(".hit").count() == hits > 0
    with listening(own, port=port):
        expect(tab.locator("#gone")).to_be_hidden()
        ask(tab, "ct1/001.dcm")


def test_what_was_asked_while_the_server_was_gone_is_answered_when_it_is_back(
    visit: Visit, own: Path
) -> None:
    with listening(own) as address:
        port = urlsplit(address).port
        tab = visit(address, allows=STOPPED)
        ask(tab)
        hits = tab.locator(".hit").count()
    expect(tab.locator("#gone")).to_be_visible()
    # Nothing is lost: what was answered stays, and what is asked now is asked again.
    tab.select_option("#by", "thumbnail")
    expect(tab.locator(".hit")).to_have_count(hits)
    expect(tab.locator("#answer-notes")).not_to_contain_text("error")
    with listening(own, port=port):
        expect(tab.locator("#gone")).to_be_hidden()
        expect(tab.locator("#answer-title")).to_contain_text("thumbnail")


def test_a_server_with_another_token_and_then_another_index_is_followed(visit: Visit, own: Path) -> None:
    with listening(own, token="a" * 24) as address:
        port = urlsplit(address).port
        tab = visit(address, allows="Failed to load")
        expect(tab.locator("#count")).to_have_text("20 images")
    with listening(own, port=port, token="b" * 24):
        expect(tab.locator("#refused")).to_be_visible()
        expect(tab.locator("#gone")).to_be_hidden()
    other = own.rename(own.with_name("other.index"))
    with listening(other, port=port, token="a" * 24):
        expect(tab.locator("#refused")).to_be_hidden()
        expect(tab.locator("#index")).to_have_value("other.index")
        tab.click('#list [data-id="grey.png"]')
        expect(tab.locator("#window-values")).not_to_be_empty()


def test_a_connection_that_breaks_in_an_answer_takes_no_hits_away(visit: Visit, own: Path) -> None:
    # The hits have come, their findings have not.
    cut = """() => {
      const real = window.fetch;
      window.fetch = async (path, init) => {
        const response = await real(path, init);
        if (!String(init?.body).includes('searching')) return response;
        window.fetch = real;
        const text = await response.text();
        const hits = text.slice(0, text.lastIndexOf('event: next', text.indexOf('AnswerFindings')));
        return new Response(new ReadableStream({ start(told) {
          told.enqueue(new TextEncoder().encode(hits));
          setTimeout(() => told.error(new TypeError('network error')), 300);
        } }), response);
      };
    }"""
    with listening(own) as address:
        tab = visit(address, allows=STOPPED)
        ask(tab)
        expect(tab.locator(".findings")).to_be_visible()
        tab.evaluate(cut)
        with tab.expect_event("console", lambda one: one.text == "gone"):
            tab.evaluate("""async () => {
              const { connection } = await import('/static/page/js/api.js');
              connection.addEventListener('gone', () => console.log('gone'));
              document.getElementById('ask-whole').click();
            }""")
        expect(tab.locator(".hit").first).to_be_visible()
        expect(tab.locator("#answer-notes")).not_to_contain_text("error")
        # It is asked again as soon as the server answers anything.
        expect(tab.locator(".findings")).to_be_visible()
        expect(tab.locator("#gone")).to_be_hidden()


def test_many_tabs_of_one_browser_are_served(visit: Visit, address: str) -> None:
    """A browser has six connections to a server for all of its tabs: none may hold one for good."""
    tabs = [visit(address)]
    tabs += [tabs[0].context.new_page() for _ in range(7)]
    for tab in tabs[1:]:
        tab.goto(address)
    for tab in tabs:
        expect(tab.locator("#list button").first).to_be_visible()


@pytest.mark.parametrize("kept", [True, False])
def test_an_image_that_cannot_be_shown_does_not_look_like_another(
    kept: bool, visit: Visit, address: str
) -> None:
    tab = visit(address, allows="500")
    ask(tab)
    expect(tab.locator("#labels")).to_have_text("fibrosis")
    before = tab.evaluate(STAGE)
    # What a server says of a fault of its own: no JSON.
    for path in ("pixels",) if kept else ("pixels", "picture"):
        tab.route(f"**/{path}", lambda route: route.fulfill(status=500, body="Internal Server Error"))
    tab.click('#list [data-id="ct1/001.dcm"]')
    expect(tab.locator("#look-problem")).to_contain_text("The server answered 500.")
    expect(tab.locator("#look-title")).to_have_text("ct1/001.dcm")
    expect(tab.locator("#labels")).to_have_text("normal")
    expect(tab.locator("#window-values")).to_be_empty()
    tab.wait_for_function(f"before => ({STAGE})().join() !== before.join()", arg=before)
    assert any(tab.evaluate(STAGE)) == kept


def test_an_image_that_cannot_be_opened_leaves_no_other_under_its_name(visit: Visit, address: str) -> None:
    tab = visit(address, allows="500")
    ask(tab)
    tab.route("**/graphql", lambda route: route.fulfill(status=500, body="Internal Server Error"))
    tab.click('#list [data-id="ct1/001.dcm"]')
    expect(tab.locator("#look-problem")).to_contain_text("The server answered 500.")
    expect(tab.locator("#look-title")).to_have_text("ct1/001.dcm")
    expect(tab.locator("#labels")).to_be_empty()
    tab.wait_for_function(f"() => !({STAGE})().some(Boolean)")


def test_the_first_page_and_answer_need_little_script(visit: Visit, address: str) -> None:
    """As it is sent, before it is packed; parts that few use come when they are wanted."""
    tab = visit(address)
    ask(tab)
    sizes: dict[str, int] = tab.evaluate(SCRIPTS)
    assert 30_000 < sum(sizes.values()) <= 65_000
    tab.click("#map-button")
    expect(tab.locator("#map")).to_be_visible()
    assert {file.rpartition("/")[2] for file in tab.evaluate(SCRIPTS).keys() - sizes.keys()} == {"map.js"}


def test_new_images_are_offered(visit: Visit, own: Path) -> None:
    from support.served import hounsfield, write_ct

    with listening(own) as address:
        tab = visit(address, allows=STOPPED)
        ask(tab)
        images = own.parent / "images"
        write_ct(images / "ct3" / "000.dcm", hounsfield(3, 0), "P3", "4", 0)
        assert run(["index", images, "-o", own, "--jobs", "1", "--quiet"])[0] == 0
        expect(tab.locator("#fresh")).to_be_visible()
        # The copy of the folder is another one: its images are new, too. They come in several commits.
        expect(tab.locator("#fresh-text")).to_contain_text("21 new images")
        expect(tab.locator("#count")).to_have_text("20 images")
        tab.click("#take")
        expect(tab.locator("#count")).to_have_text("41 images")


def test_a_token_leaves_the_address_and_goes_with_every_request(visit: Visit, page_index: Path) -> None:
    token = "a-secret"
    with listening(page_index, token=token) as address:
        assert address.endswith("#token=a-secret")
        tab = visit(address, allows=STOPPED)
        ask(tab)
        assert "token" not in tab.url
        assert tab.evaluate("sessionStorage.getItem('semblance-token')") == token
        expect(tab.locator(".hit img").first).to_have_js_property("complete", True)
        stranger = visit(address.partition("#")[0], allows="401")
        expect(stranger.locator("#refused")).to_be_visible()
        # As it says: the printed address, in the tab that is open, where it differs behind the # alone.
        stranger.goto(address)
        expect(stranger.locator("#list button").first).to_be_visible()
        assert "token" not in stranger.url
        stranger.close()  # before the server goes, which it would report


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_everybody_can_use_it(scheme: str, visit: Visit, address: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    tab = visit(address, bypass_csp=True, color_scheme=scheme)
    ask(tab)
    found = axe.Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()
    tab.locator(".hit .picture").first.click()
    expect(tab.locator("#compare")).to_be_visible()
    found = axe.Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_what_stands_on_the_black_stage_can_be_read(scheme: str, visit: Visit, address: str) -> None:
    tab = visit(address, color_scheme=scheme)
    expect(tab.locator("#empty-look")).to_be_visible()
    # WCAG 2.1, 1.4.3: 4.5 to 1; the luminance of black is 0.
    assert (tab.locator("#empty-look").evaluate(LUMINANCE) + 0.05) / 0.05 >= 4.5


def test_a_thumbnail_stands_beside_the_heading_of_its_hit_however_much_is_said_of_it(
    visit: Visit, address: str
) -> None:
    tab = visit(address)
    ask(tab)
    hit = tab.locator(".hit").first
    hit.locator(".hit-text").evaluate("node => { node.style.minHeight = '700px'; }")
    thumbnail, heading = hit.locator(".thumb").bounding_box(), hit.locator(".hit-head").bounding_box()
    assert thumbnail is not None and heading is not None
    assert abs(thumbnail["y"] - heading["y"]) < 12
