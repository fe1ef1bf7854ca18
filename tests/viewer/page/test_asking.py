"""What asks and what does not: scrolling, the way back, the button; and what stands on the page meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from support.browser import drag, open_image
from support.images import texture_of_all_sizes
from support.served import copy_room

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, Route, expect
from support.server_process import listening

Visit = Callable[..., Page]
STAGE = """() => {
  const canvas = document.querySelector('#stage-hit canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.some((one, i) => i % 4 < 3 && one);
}"""


def counted(tab: Page) -> list[str]:
    """Return a list that grows by what is sent with each question from now on."""
    asked: list[str] = []
    tab.on(
        "request",
        lambda one: asked.append(one.post_data or "") if "searching(" in (one.post_data or "") else 0,
    )
    return asked


def test_slices_are_looked_at_beside_a_refined_answer(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    tab.click("#ask-whole")
    expect(tab.locator(".hit").first).to_be_visible()
    tab.get_by_role("button", name="More like hit 2", exact=True).click()
    expect(tab.locator('.hit [aria-pressed="true"]')).to_have_count(1)
    expect(tab.locator(".findings")).to_be_visible()
    asked = counted(tab)
    tab.locator("#stage").focus()
    for slice_number in (5, 6):
        tab.keyboard.press("ArrowDown")
        expect(tab.locator("#where-am-i")).to_contain_text(f"slice {slice_number}/6")
    # What refines is about the slice that was asked with.
    with tab.expect_request(lambda one: "searching(" in (one.post_data or "")):
        tab.get_by_role("button", name="Less like hit 3", exact=True).click()
    assert [text.count("ct0/002.dcm") for text in asked] == [1]


def test_frames_of_a_dropped_file_are_looked_at_beside_its_answer(
    visit: Visit, address: str, tmp_path: Path
) -> None:
    frames = [Image.fromarray(texture_of_all_sizes(80, 80, seed=seed)) for seed in range(3)]
    frames[0].save(tmp_path / "three.tif", save_all=True, append_images=frames[1:])
    tab = visit(address)
    tab.set_input_files("#file", tmp_path / "three.tif")
    expect(tab.locator("#where-am-i")).to_have_text("slice 1/3")
    tab.click("#ask-whole")
    expect(tab.locator(".findings")).to_be_visible()
    asked = counted(tab)
    tab.locator("#stage").focus()
    for slice_number in (2, 3):
        tab.keyboard.press("ArrowDown")
        expect(tab.locator("#where-am-i")).to_have_text(f"slice {slice_number}/3")
    with tab.expect_request(lambda one: "searching(" in (one.post_data or "")):
        tab.select_option("#by", "superpixel")
    assert ['"frame":0' in text for text in asked] == [True]


def test_back_before_the_mark_nothing_is_asked(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    drag(tab)
    expect(tab.locator(".hit").first).to_be_visible()
    tab.go_back()
    expect(tab.locator("#empty-answer")).to_be_visible()
    expect(tab.locator(".hit")).to_have_count(0)
    assert "asked" not in tab.url
    tab.go_forward()
    expect(tab.locator(".hit").first).to_be_visible()
    # A refinement that is taken back leaves the question that it refined.
    tab.keyboard.press("Escape")
    expect(tab).to_have_url(re.compile("asked=true"))
    tab.get_by_role("button", name="More like hit 2", exact=True).click()
    expect(tab).to_have_url(re.compile("like"))
    expect(tab.locator(".findings")).to_be_visible()
    tab.locator('.hit [aria-pressed="true"]').click()
    expect(tab).not_to_have_url(re.compile("like"))
    expect(tab.locator(".hit").first).to_be_visible()
    assert "asked=true" in tab.url


def test_the_button_asks_with_the_whole_image_where_a_part_is_marked_too(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    drag(tab)
    expect(tab.locator(".findings")).to_be_visible()
    asked = counted(tab)
    with tab.expect_request(lambda one: "searching(" in (one.post_data or "")):
        tab.click("#ask-whole")
    assert ["region" in text for text in asked] == [False]
    assert "region" not in tab.url
    expect(tab.locator("#stage .region rect")).to_have_count(0)


def test_on_a_phone_each_answer_comes_to_the_front_and_so_does_what_is_wrong(
    visit: Visit, address: str
) -> None:
    tab = visit(address, width=390)
    open_image(tab)
    drag(tab)
    expect(tab.locator("#answer")).to_be_visible()
    tab.locator(".hit .picture").first.click()
    expect(tab.locator("#compare")).to_be_visible()
    drag(tab)
    expect(tab.locator("#answer")).to_be_visible()
    problem = '{"data":{"searching":{"__typename":"Problem","message":"no structure"}}}'
    refused = {"content_type": "text/event-stream", "body": f"event: next\ndata: {problem}\n\n"}

    def refuse(route: Route) -> None:
        route.fulfill(**refused) if "searching(" in (route.request.post_data or "") else route.continue_()

    tab.route("**/graphql", refuse)
    tab.click("[data-tab-of=look]")
    drag(tab)
    expect(tab.locator("#answer-notes")).to_have_text("no structure")
    expect(tab.locator("#answer")).to_be_visible()


def test_the_filter_says_what_is_listed_on_the_way_back_too(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    tab.fill("#filter", "label = 'normal'")
    expect(tab.locator("#count")).to_have_text("6 images")
    tab.go_back()  # the cursor is in the filter still
    expect(tab.locator("#count")).to_have_text("20 images")
    expect(tab.locator("#filter")).to_have_value("")


def test_a_hit_that_comes_late_or_never_does_not_look_like_the_last_one(visit: Visit, address: str) -> None:
    tab = visit(address, allows="500")
    open_image(tab)
    tab.click("#ask-whole")
    tab.locator(".hit .picture").first.click()
    tab.wait_for_function(STAGE)
    for path in ("pixels", "picture"):
        tab.route(f"**/{path}", lambda route: route.fulfill(status=500, json={"message": "cannot be read"}))
    tab.locator('.hit[data-id="grey.png"] .picture').click()
    expect(tab.locator("#hit-title")).to_contain_text("grey.png")
    expect(tab.locator("#toast")).to_have_text("cannot be read")
    tab.wait_for_function(f"() => !({STAGE})()")


def test_a_small_area_is_no_area_of_zero(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    tab.click(".more summary")
    for side in "wh":
        tab.fill(f"#box-{side}", "1")
    tab.get_by_role("button", name="Mark", exact=True).click()
    expect(tab.locator("#area")).to_have_text("0.250 mm²")


def test_no_other_map_stays_under_what_is_said_of_this_one(visit: Visit, address: str) -> None:
    tab = visit(address)
    expect(tab.locator("#count")).to_have_text("20 images")
    tab.click("#map-button")
    expect(tab.locator("#map-note")).to_contain_text("by ")
    tab.keyboard.press("Escape")
    tab.fill("#filter", "label = 'nobody'")
    expect(tab.locator("#count")).to_have_text("No image matches.")
    tab.click("#map-button")
    expect(tab.locator("#map-note")).to_contain_text("make no map")
    assert tab.locator("#map-canvas").evaluate("canvas => canvas.width") == 0


def test_why_by_the_key_where_the_answer_is_not_on_screen(visit: Visit, address: str) -> None:
    """As at 200 %: one pane is there at a time."""
    tab = visit(address, width=700, height=450)
    open_image(tab)
    tab.locator("#stage").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator(".hit").first).to_be_visible()
    tab.keyboard.press("j")
    tab.keyboard.press("c")
    expect(tab.locator("#hit-where")).not_to_be_empty()
    expect(tab.locator("#answer")).to_be_hidden()
    tab.keyboard.press("w")
    expect(tab.locator("#why-text")).to_contain_text("aithful")


def test_a_saved_search_of_the_image_that_is_open_asks_with_it(
    visit: Visit, page_index: Path, tmp_path: Path
) -> None:
    with listening(copy_room(page_index, tmp_path / "room")) as address:
        tab = visit(address, allows="ERR_")
        open_image(tab)
        tab.click("#ask-whole")
        expect(tab.locator(".findings")).to_be_visible()
        tab.click("#saved-button")
        tab.fill("#search-name", "all of it")
        tab.click("#save-search")
        expect(tab.locator("#saved-list")).to_contain_text("all of it")
        tab.keyboard.press("Escape")
        for name in ("ct1/002.dcm", "ct0/002.dcm"):
            open_image(tab, name)
        expect(tab.locator("#empty-answer")).to_be_visible()
        tab.click("#saved-button")
        tab.get_by_role("button", name="all of it", exact=True).click()
        expect(tab.locator(".hit").first).to_be_visible()
        tab.close()
