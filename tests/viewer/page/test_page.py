"""What a person does on the page: open, scroll, window, mark, ask, compare, refine, keep."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import cv2
import pytest
from support.browser import drag, open_image
from support.images import texture_of_all_sizes
from support.served import asked

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, Request, expect

Visit = Callable[..., Page]

PIXELS = """() => {
  const context = document.querySelector('#stage canvas').getContext('2d');
  return [...context.getImageData(0, 0, 300, 300).data].join();
}"""
CUT_OFF = """pane => {
  const node = document.getElementById(pane), edge = node.getBoundingClientRect().right;
  const seen = (one) => one.checkVisibility() && !one.closest('svg, .visually-hidden');
  return [...node.querySelectorAll('*')].filter((one) => seen(one) &&
    one.getBoundingClientRect().right > edge + 1).map((one) => `${one.tagName}#${one.id}.${one.className}`)
    .concat(document.documentElement.scrollWidth > innerWidth ? ['the page'] : []);
}"""


def mark(tab: Page) -> None:
    """Mark a box in the middle and wait for the answer."""
    drag(tab, (0.42, 0.4), (0.58, 0.62), steps=4)
    expect(tab.locator(".hit").first).to_be_visible()


def state_of(tab: Page) -> dict[str, str]:
    """Return what the address holds."""
    return {key: values[0] for key, values in parse_qs(urlsplit(tab.url).fragment).items()}


def hits_of(tab: Page) -> list[tuple[str, str]]:
    """Return id and printed score of every hit, in the order of ranks."""
    rows = tab.locator(".hit").evaluate_all(
        "rows => rows.map(r => [Number(r.querySelector('strong').textContent), r.dataset.id, "
        "r.querySelector('.score').textContent])"
    )
    return [(name, score) for _, name, score in sorted(rows)]


def test_series_are_listed_and_open_in_the_order_of_positions(visit: Visit, address: str) -> None:
    tab = visit(address)
    tab.select_option("#level", "series")
    expect(tab.locator("#count")).to_have_text("3 series")
    tab.locator("#list button").first.click()
    expect(tab.locator("#where-am-i")).to_contain_text("/6")
    tab.locator("#stage").hover()
    heights = []
    tab.locator("#slider").fill("0")
    for place in range(6):
        expect(tab.locator("#where-am-i")).to_contain_text(f"slice {place + 1}/6")
        found = re.search(r"z (−?[\d.]+) mm", tab.locator("#where-am-i").inner_text())
        assert found is not None
        heights.append(float(found[1].replace("−", "-")))
        tab.mouse.wheel(0, 100)
    assert heights == [0, 5, 10, 15, 20, 25]


def test_a_drag_with_the_right_button_changes_the_window_and_a_preset_sets_it(
    visit: Visit, address: str
) -> None:
    tab = visit(address)
    open_image(tab)
    before = tab.locator("#window-values").inner_text()
    pixels = PIXELS
    seen = tab.evaluate(pixels)
    drag(tab, (0.4, 0.4), (0.6, 0.5), button="right", steps=4)
    expect(tab.locator("#window-values")).not_to_have_text(before)
    tab.wait_for_function(f"seen => ({pixels})() !== seen", arg=seen)  # it is drawn in the next frame
    tab.keyboard.press("1")
    expect(tab.locator("#window-values")).to_have_text(before)
    tab.keyboard.press("i")
    tab.wait_for_function(f"seen => ({pixels})() !== seen", arg=seen)
    assert "invert" in state_of(tab)


def test_the_value_under_the_cursor_is_that_of_the_file(visit: Visit, address: str, page_index: Path) -> None:
    import pydicom

    tab = visit(address)
    open_image(tab)
    box = tab.locator("#stage").bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(tab.locator("#under")).to_contain_text("HU")
    found = re.search(r"x (\d+) y (\d+) .* HU (−?\d+)", tab.locator("#under").inner_text())
    assert found is not None
    values = pydicom.dcmread(page_index.parent / "images" / "ct0" / "002.dcm").pixel_array.astype(int) - 1024
    assert int(found[3].replace("−", "-")) == values[int(found[2]), int(found[1])]


def test_a_marked_box_is_the_question_and_its_hits_are_those_of_the_command_line(
    visit: Visit, address: str, page_index: Path
) -> None:
    tab = visit(address)
    open_image(tab)
    mark(tab)
    box = json.loads(state_of(tab)["region"])["box"]
    region = ",".join(map(str, box))
    theirs = asked(page_index, "ct0/002.dcm", "--region", region, "-k", "20", "--exclude-self")["hits"]
    tab.locator(".folded summary").click() if tab.locator(".folded").count() else None
    # The words alone: of the two that the index has, they say where a region is.
    assert hits_of(tab) == [(hit["id"], f"{hit['score']:.2f}") for hit in theirs]


def test_every_tool_marks_a_region(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    box = tab.locator("#stage").bounding_box()
    assert box is not None

    def at(x: float, y: float) -> tuple[float, float]:
        return box["x"] + box["width"] * x, box["y"] + box["height"] * y

    def polygon() -> None:
        for corner in [(0.42, 0.4), (0.58, 0.42), (0.5, 0.62), (0.42, 0.4)]:
            tab.mouse.click(*at(*corner))

    # The mark of a brush too stands in the address, by its outline: so a link to it leads somewhere.
    tools = {
        "polygon": (polygon, "polygon"),
        "superpixel": (lambda: tab.mouse.click(*at(0.5, 0.5)), "point"),
        "brush": (lambda: drag(tab, (0.44, 0.44), (0.56, 0.56), steps=4), "polygon"),
    }
    for tool, (draw, kind) in tools.items():
        tab.click(f"[data-tool={tool}]")
        draw()
        expect(tab).to_have_url(re.compile(f"%22{kind}%22"))
        expect(tab.locator(".hit").first).to_be_visible()
        expect(tab.locator("#area")).to_contain_text("mm²")
        expect(tab.locator("#stage .region polygon").first).to_be_attached()
        tab.keyboard.press("Escape")
        expect(tab).not_to_have_url(re.compile("region"))


def test_a_hit_is_compared_explained_and_laid_over_the_query(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    tab.click("#ask-whole")
    tab.locator('.hit[data-id^="ct"] .picture').first.click()
    expect(tab.locator("#compare")).to_be_visible()
    expect(tab.locator("#hit-where")).to_contain_text("/6")
    expect(tab.locator("#curve .best")).to_have_count(1)
    tab.click("#why")
    expect(tab.locator("#why-text")).to_contain_text("aithful", timeout=30_000)
    explained = tab.locator("#why-text").inner_text()
    tab.select_option("#why-by", "thumbnail")  # each that answered can be asked
    expect(tab.locator("#why-text")).not_to_contain_text(explained)
    expect(tab.locator("#why-text")).to_contain_text("aithful", timeout=30_000)
    tab.click("#toggle")
    expect(tab.locator("#toggle")).to_have_attribute("aria-pressed", "true")
    expect(tab.locator("#toggle-note")).to_contain_text("laid over")
    tab.click("#close-compare")
    expect(tab.locator("#compare")).to_be_hidden()


def test_both_panes_scroll_together(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab, "ct0/003.dcm")
    tab.click("#ask-whole")
    tab.locator(".hit .picture").first.click()
    place = tab.locator("#hit-where")
    expect(place).to_contain_text("/6")
    start = int(re.findall(r"slice (\d)/6", place.inner_text())[0])
    step = 1 if start < 6 else -1
    tab.locator("#stage").focus()
    tab.keyboard.press("ArrowDown" if step > 0 else "ArrowUp")
    expect(place).to_contain_text(f"slice {start + step}/6")


def test_what_explains_and_keeps_an_answer_is_about_its_question(visit: Visit, address: str) -> None:
    """Slices are scrolled through to look around; the answer beside them is still that of the mark."""
    tab = visit(address)
    open_image(tab)
    mark(tab)
    region = state_of(tab)["region"]

    def scroll_away() -> None:
        tab.locator("#stage").focus()
        tab.keyboard.press("ArrowDown")
        expect(tab.locator("#where-am-i")).to_contain_text("slice 5/6")
        assert "region" not in state_of(tab)

    def is_asked(field: str) -> Callable[[Request], bool]:
        return lambda one: (
            field in (one.post_data or "")
            and '"image":"ct0/002.dcm","region":{"box"' in (one.post_data or "")
        )

    scroll_away()
    with tab.expect_request(is_asked("explaining(")):
        tab.locator(".hit [aria-label^=Why]").first.click()
    expect(tab.locator("#why-text span")).to_be_visible()
    assert state_of(tab)["region"] == region
    pairs = tab.locator("#stage .pairs")
    expect(pairs).not_to_have_attribute("hidden", "")
    # Both are scrolled together, and no point lies on a slice that it is not of.
    scroll_away()
    expect(tab.locator("#compare")).to_be_visible()
    expect(pairs).to_have_attribute("hidden", "")
    tab.click("#close-compare")
    tab.click(".more summary")
    with tab.expect_request(is_asked("export(")), tab.expect_download():
        tab.click("[data-export=csv]")
    scroll_away()
    with tab.expect_request(is_asked("searching(")):
        tab.select_option("#by", "superpixel")
    expect(tab.locator("#where-am-i")).to_contain_text("slice 4/6")


def test_likes_refine_and_undo_takes_them_back(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    tab.click("#ask-whole")
    expect(tab.locator(".hit")).to_have_count(19)
    before = hits_of(tab)
    tab.get_by_role("button", name="Less like hit 1", exact=True).click()
    tab.wait_for_function("() => location.hash.includes('unlike')")
    expect(tab.locator(".hit").first).not_to_have_attribute("data-id", before[0][0])
    tab.locator("#stage").focus()
    tab.keyboard.press("Control+z")
    tab.wait_for_function("() => !location.hash.includes('unlike')")


def test_findings_have_intervals_and_references_open_by_a_click(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    tab.click("#ask-whole")
    expect(tab.locator(".findings .whisker").first).to_be_attached()
    expect(tab.locator(".findings")).to_contain_text("of")
    if tab.locator(".findings .verdict").count() == 0:
        tab.get_by_text("Literature").click()
        link = tab.locator(".references a")
        assert link.get_attribute("rel") == "noopener noreferrer"
        assert link.inner_text().startswith("example.org")


def test_a_filter_by_words_and_by_a_click_narrows_the_list_and_the_answer(visit: Visit, address: str) -> None:
    tab = visit(address)
    expect(tab.locator("#count")).to_have_text("20 images")
    tab.fill("#filter", "label = 'fibrosis'")
    expect(tab.locator("#count")).to_have_text("12 images")
    tab.fill("#filter", "label ~ nonsense (")
    expect(tab.locator("#filter-problem")).to_be_visible()
    tab.fill("#filter", "")
    expect(tab.locator("#count")).to_have_text("20 images")
    tab.click("#columns-box > summary")
    tab.locator("#columns summary", has_text="label").click()
    tab.locator("#columns .value", has_text="normal").click()
    expect(tab.locator("#count")).to_have_text("6 images")
    assert "where" in state_of(tab)


def test_the_address_brings_all_back_and_so_does_the_way_back(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    mark(tab)
    drag(tab, (0.2, 0.2), (0.3, 0.3), button="right", steps=4)
    tab.wait_for_function("() => location.hash.includes('window')")
    before, shown = hits_of(tab), tab.locator("#window-values").inner_text()
    again = visit(tab.url)
    expect(again.locator("#look-title")).to_have_text("ct0/002.dcm")
    expect(again.locator(".hit").first).to_be_visible()
    expect(again.locator("#window-values")).to_have_text(shown)
    assert hits_of(again) == before
    tab.select_option("#by", "superpixel")
    tab.wait_for_function("() => location.hash.includes('by=superpixel')")
    tab.go_back()
    tab.wait_for_function("() => !location.hash.includes('by=superpixel')")


def test_an_address_without_an_index_means_the_one_that_is_open(visit: Visit, address: str) -> None:
    tab = visit(address)
    expect(tab.locator("#list button").first).to_be_visible()
    tab.goto(f"{address}#image=ct0%2F002.dcm&region=20,30,40,36")
    expect(tab.locator("#look-title")).to_have_text("ct0/002.dcm")
    expect(tab.locator(".hit").first).to_be_visible()
    expect(tab.locator("#area")).to_contain_text("mm²")
    # A mark is followed through the slices beside it.
    tab.click(".more summary")
    with tab.expect_request(lambda one: '"throughMm":6' in (one.post_data or "")):
        tab.fill("#through", "6")
        tab.keyboard.press("Tab")
    expect(tab.locator(".how").first).to_contain_text("matching slices")


def test_a_question_in_the_address_is_asked_once(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    mark(tab)
    asked = []
    again = tab.context.new_page()
    again.on("request", lambda one: asked.append(one) if "searching(" in (one.post_data or "") else None)
    again.goto(tab.url)
    expect(again.locator(".findings")).to_be_visible()
    assert len(asked) == 1


def test_a_question_of_a_whole_image_comes_back_with_its_address(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    tab.keyboard.press("Enter")  # as the page says, and the click has left the list
    expect(tab.locator(".hit").first).to_be_visible()
    tab.reload()
    expect(tab.locator(".hit").first).to_be_visible()
    # What is only looked at is not asked: another slice, and another image.
    expect(tab.locator("#where-am-i")).to_contain_text("slice 4/6")  # the answer may come before the stack
    tab.keyboard.press("ArrowDown")
    expect(tab.locator("#where-am-i")).to_contain_text("slice 5/6")
    assert "asked" not in state_of(tab)
    open_image(tab, "ct1/002.dcm")
    expect(tab.locator(".hit")).to_have_count(0)
    tab.go_back()
    tab.go_back()
    expect(tab.locator("#empty-answer")).to_be_visible()


def test_an_image_from_outside_is_asked_with_and_is_no_part_of_a_link(
    visit: Visit, address: str, tmp_path: Path
) -> None:
    file = tmp_path / "outside.png"
    cv2.imwrite(str(file), texture_of_all_sizes(80, 80, seed=3))
    tab = visit(address)
    tab.set_input_files("#file", file)
    expect(tab.locator("#look-title")).to_have_text("outside.png (not in the index)")
    expect(tab.locator("#toast")).to_contain_text("cannot be shared")
    tab.click("#ask-whole")
    expect(tab.locator(".hit").first).to_be_visible()


def test_what_is_no_image_is_said_in_one_line(visit: Visit, address: str, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no image")
    tab = visit(address, allows="status of 4")
    tab.set_input_files("#file", file)
    expect(tab.locator("#toast")).to_contain_text("notes.txt")


def test_a_box_by_numbers_and_the_whole_question_by_keyboard_alone(visit: Visit, address: str) -> None:
    tab = visit(address)
    expect(tab.locator("#list button").first).to_be_visible()
    tab.keyboard.press("/")
    tab.keyboard.press("Tab")  # past the first, which is in colour
    tab.keyboard.press("Enter")
    expect(tab.locator("#window-values")).not_to_be_empty()
    tab.keyboard.press("Enter")  # in the list still: what is open is asked with
    expect(tab.locator(".hit").first).to_be_visible()
    tab.locator(".more summary").focus()
    tab.keyboard.press("Enter")
    for name, value in {"x": 20, "y": 30, "w": 40, "h": 36}.items():
        tab.locator(f"#box-{name}").focus()
        tab.keyboard.press("Control+a")
        tab.keyboard.type(str(value))
    tab.keyboard.press("Enter")
    expect(tab.locator(".hit").first).to_be_visible()
    tab.locator("#stage").focus()
    tab.keyboard.press("j")
    expect(tab.locator('.hit[aria-current="true"]')).to_have_count(1)
    tab.keyboard.press("c")
    expect(tab.locator("#compare")).to_be_visible()
    tab.locator("#stage").focus()
    tab.keyboard.press("Escape")
    expect(tab.locator("#compare")).to_be_hidden()
    tab.keyboard.press("?")
    expect(tab.locator("#help")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.locator("#help")).to_be_hidden()


def test_two_tabs_ask_each_their_own(visit: Visit, address: str) -> None:
    first, second = visit(address), visit(address)
    open_image(first, "ct0/001.dcm")
    open_image(second, "ct1/001.dcm")
    for tab in (first, second):
        tab.click("#ask-whole")
    for tab in (first, second):
        expect(tab.locator(".hit")).to_have_count(19)
    assert hits_of(first) != hits_of(second)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(width: int, visit: Visit, address: str) -> None:
    tab = visit(address, width=width, height=800)
    open_image(tab)
    tab.click("#ask-whole")
    expect(tab.locator(".hit").first).to_be_visible()
    for pane in ("browse", "look", "answer"):
        if width < 900:
            tab.click(f"[data-tab-of={pane}]")
        expect(tab.locator(f"#{pane}")).to_be_visible()
        assert tab.evaluate(CUT_OFF, pane) == []


def test_the_map_marks_query_and_hits_and_opens_what_is_clicked(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    tab.click("#map-button")
    expect(tab.locator("#map-note")).to_contain_text("by ")
    expect(tab.locator("#map-legend .chip.query")).to_be_visible()


def test_an_archive_links_to_a_study_and_a_region_of_it(visit: Visit, address: str) -> None:
    tab = visit(f"{address}#study=1.2.4.2&z=9&region=20,30,40,36&by=superpixel")
    expect(tab.locator(".hit").first).to_be_visible()
    expect(tab.locator("#look-title")).to_have_text("ct1/003.dcm")
    assert state_of(tab)["region"] == '{"box":[20,30,40,36]}'
    assert "study" not in tab.url
    # The viewer's next link, in the same tab.
    tab.goto(f"{address}#study=1.2.4.1&z=0")
    expect(tab.locator("#look-title")).to_have_text("ct0/005.dcm")
    assert "study" not in tab.url
    lost = visit(f"{address}#study=1.2.4.99&region=20,30,40,36")
    expect(lost.locator("#toast")).to_contain_text("there is none")
