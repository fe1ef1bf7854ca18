"""Whole slides on the page: zoom, mark, hits on their slides, where the question is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.browser import list_images

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Route, expect

Visit = Callable[..., Page]
COLOUR = """([x, y]) => {
  const canvas = document.querySelector('#stage canvas');
  const ratio = canvas.width / canvas.clientWidth;
  return [...canvas.getContext('2d').getImageData(x * ratio, y * ratio, 1, 1).data].slice(0, 3);
}"""


@pytest.fixture(scope="module")
def slide_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of two slides."""
    from support.slide_index import make_slide_index

    return make_slide_index(tmp_path_factory.mktemp("page-slides"))


@pytest.fixture(scope="module")
def slides(slide_index: Path) -> Iterator[str]:
    """The address of a server of two slides."""
    from support.server_process import command

    with command(slide_index) as (_, address, _):
        yield address


def middle(tab: Page) -> tuple[float, float, float, float]:
    """Return the middle of the stage on the page, and its width and height."""
    box = tab.locator("#stage").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"], box["height"]


def open_slide(tab: Page) -> None:
    """Open a slide from the list and wait until tissue is in the middle of the canvas."""
    tab.click('#list [data-id="a.tif"]')
    expect(tab.locator("#look-title")).to_have_text("a.tif")
    _, _, width, height = middle(tab)
    tab.wait_for_function(f"at => {{ const [r, g, b] = ({COLOUR})(at); return r + b > 150 && g < 200; }}",
                          arg=[width / 2, height / 2])  # fmt: skip


def mark(tab: Page) -> None:
    """Mark a box around the middle, of 100 × 100 pixels of the screen, and wait for the answer."""
    x, y, _, _ = middle(tab)
    tab.mouse.move(x - 50, y - 50)
    tab.mouse.down()
    tab.mouse.move(x + 50, y + 50, steps=4)
    tab.mouse.up()
    expect(tab.locator(".hit").first).to_be_visible()


def test_a_slide_is_zoomed_into_by_squares_of_the_level_on_screen(visit: Visit, slides: str) -> None:
    tab = visit(slides)
    asked: list[str] = []
    tab.on("request", lambda one: asked.append(one.url) if "/slides/" in one.url else None)
    expect(tab.locator("#count")).to_have_text("2 slides")
    open_slide(tab)
    levels = {url.split("/")[-3] for url in asked}
    assert "0" not in levels  # the whole is seen, and its finest squares are not asked for
    x, y, _, _ = middle(tab)
    tab.mouse.move(x, y)
    with tab.expect_response(lambda one: "/slides/" in one.url and one.url.split("/")[-3] == "0"):
        for _ in range(4):
            tab.mouse.wheel(0, -300)
    expect(tab.locator("#under")).to_contain_text("µm")
    # 1,200 × 900 pixels are twenty squares of the finest level; those beside the screen are not asked for.
    tab.wait_for_timeout(200)
    assert len([url for url in asked if url.split("/")[-3] == "0"]) < 12


def test_a_marked_field_asks_and_its_hits_are_outlined(visit: Visit, slides: str) -> None:
    tab = visit(slides)
    open_slide(tab)
    mark(tab)
    assert "image=a.tif" in tab.url
    assert "region=" in tab.url
    outlines = tab.locator("#stage .on-slide polygon")
    here = tab.locator('.hit[data-id^="a.tif"]').count()
    expect(outlines).to_have_count(here)
    assert here > 0
    expect(tab.locator("#area")).to_contain_text("µm²")
    tab.keyboard.press("Escape")
    # A whole slide is no question: nothing is asked, and no hit is shown, nor outlined.
    expect(tab.locator("#empty-answer")).to_be_visible()
    expect(tab.locator("#answer-notes")).to_be_empty()
    expect(outlines).to_have_count(0)


def test_the_address_brings_the_question_back(visit: Visit, slides: str) -> None:
    tab = visit(slides)
    open_slide(tab)
    mark(tab)
    first = tab.locator(".hit").first.get_attribute("data-id")
    again = visit(tab.url)
    expect(again.locator(".hit").first).to_have_attribute("data-id", first or "")
    expect(again.locator("#look-title")).to_have_text("a.tif")


def test_the_slide_is_tinted_where_the_question_is(visit: Visit, slides: str) -> None:
    tab = visit(slides)
    open_slide(tab)
    mark(tab)
    _, _, width, height = middle(tab)
    before = tab.evaluate(COLOUR, [width / 2, height / 2])
    tab.click("#heat")
    expect(tab.locator("#heat-note")).to_contain_text("tiles")
    tab.wait_for_function(f"([at, before]) => String(({COLOUR})(at)) !== String(before)",
                          arg=[[width / 2, height / 2], before])  # fmt: skip
    # Another question has another heat: that of the last one goes.
    tab.keyboard.press("Escape")
    expect(tab.locator("#heat")).to_have_attribute("aria-pressed", "false")


def test_a_hit_is_seen_on_its_slide_and_a_tile_leads_to_it(visit: Visit, slides: str) -> None:
    tab = visit(slides)
    open_slide(tab)
    mark(tab)
    tab.locator(".hit .picture").first.click()
    tab.click("#hit-slide")
    expect(tab.locator("#stage-hit .on-slide polygon").first).to_be_attached()
    list_images(tab)
    tab.click('#list [data-id="b.tif#1.0um/2,2"]')
    tab.locator("#labels").get_by_role("button", name="on its slide").click()
    expect(tab.locator("#look-title")).to_have_text("b.tif")


def test_pixels_that_come_late_do_not_take_the_place_of_a_slide(visit: Visit, slides: str) -> None:
    tab = visit(slides)
    open_slide(tab)
    mark(tab)
    held: list[Route] = []
    tab.route("**/pixels*", lambda route: held.append(route))
    # Asked for before the slide is: if the slide comes first, no pixels of the tile are wanted.
    with tab.expect_request("**/pixels*"):
        tab.locator(".hit .picture").first.click()
    tab.click("#hit-slide")
    outlined = tab.locator("#stage-hit .on-slide polygon").first
    expect(outlined).to_be_attached()
    assert held
    with tab.expect_response("**/pixels*"):
        for route in held:
            route.continue_()
    tab.wait_for_timeout(300)
    expect(outlined).to_be_attached()
    expect(tab.locator("#hit-slide")).to_have_attribute("aria-pressed", "true")


def test_tools_that_need_all_pixels_are_put_away(visit: Visit, slides: str) -> None:
    tab = visit(slides)
    open_slide(tab)
    expect(tab.locator('[data-tool="brush"]')).to_be_hidden()
    expect(tab.locator('[data-tool="box"]')).to_be_visible()


def test_a_square_that_cannot_be_read_is_crossed_out(visit: Visit, slides: str) -> None:
    tab = visit(slides, allows="410")
    tab.route("**/slides/**", lambda route: route.fulfill(status=410, json={"message": "damaged"}))
    tab.click('#list [data-id="a.tif"]')
    expect(tab.locator("#look-title")).to_have_text("a.tif")
    # The crossing is in the middle of the square that is the whole slide.
    tab.wait_for_function("""() => {
      const canvas = document.querySelector('#stage canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.some((red, i) => i % 4 === 0 && red > 180 && data[i + 1] < 120 && data[i + 2] < 60);
    }""")


def test_a_slider_moves_the_question_along_a_concept(visit: Visit, slides: str, slide_index: Path) -> None:
    from support.served import run

    table = slide_index.parent / "fields.csv"
    rows = [f'"{name}.tif#1.0um/{x},{y}",{label}' for label, x in (("edge", 1), ("core", 2))
            for name in "ab" for y in (1, 2)]  # fmt: skip
    rows += [f'"{name}.tif#1.0um/3,{y}",core' for name in "ab" for y in (1, 2)]
    rows += ['"a.tif#1.0um/0,1",edge', '"b.tif#1.0um/0,1",edge']
    table.write_text("\n".join(["path,label", *rows]) + "\n")
    assert run(["learn-concept", slide_index, "edge", table, "--by", "thumbnail"])[0] == 0
    tab = visit(f"{slides}#by=thumbnail")
    open_slide(tab)
    mark(tab)
    slider = tab.get_by_role("slider", name="edge")
    slider.focus()
    with tab.expect_response(lambda one: "/graphql" in one.url):
        slider.press("End")
    expect(tab.locator("#concepts output")).to_have_text("+3")
    assert "concept=" in tab.url
    expect(tab.locator(".hit").first).to_be_visible()


def test_no_slide_and_no_question_has_the_heat_of_another(visit: Visit, slides: str) -> None:
    tab = visit(slides)
    open_slide(tab)
    mark(tab)
    tab.click("#heat")
    expect(tab.locator("#heat-note")).to_contain_text("tiles")
    tab.click('#list [data-id="b.tif"]')
    expect(tab.locator("#look-title")).to_have_text("b.tif")
    expect(tab.locator("#heat")).to_have_attribute("aria-pressed", "false")
    # That of a question which has changed meanwhile is not shown when it comes.
    mark(tab)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route) if "{heat(" in (route.request.post_data or "") else route.continue_()

    tab.route("**/graphql", hold)
    tab.click("#heat")
    expect(tab.locator("#heat-note")).to_have_text("asking …")
    tab.keyboard.press("Escape")
    expect(tab.locator("#empty-answer")).to_be_visible()
    expect(tab.locator("#heat-note")).to_be_empty()
    for route in held:
        with suppress(PlaywrightError):  # the page waits for it no more
            route.continue_()
    tab.wait_for_timeout(500)
    expect(tab.locator("#heat-note")).to_be_empty()


def test_hits_are_outlined_where_the_answer_comes_before_the_slide(visit: Visit, slides: str) -> None:
    tab = visit(slides)
    open_slide(tab)
    mark(tab)
    here = tab.locator('.hit[data-id^="a.tif"]').count()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route) if "{stack(" in (route.request.post_data or "") else route.continue_()

    tab.route("**/graphql", hold)
    tab.reload()
    expect(tab.locator(".findings, #answer-notes .note").first).to_be_visible()
    for route in held:
        route.continue_()
    expect(tab.locator("#stage .on-slide polygon")).to_have_count(here)
    assert here > 0
