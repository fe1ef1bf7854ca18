"""What a slow server, or one that goes and comes, does to what a person does meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from support.browser import drag, open_image
from support.images import texture_of_all_sizes

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, Route, expect

Visit = Callable[..., Page]


def test_a_stroke_asks_on_no_other_slice_than_its_own(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    held: list[Route] = []
    tab.route("**/masks", lambda route: held.append(route))
    tab.keyboard.press("r")
    with tab.expect_request("**/masks"):
        drag(tab)
    tab.locator("#stage").focus()
    tab.keyboard.press("ArrowDown")
    expect(tab.locator("#where-am-i")).to_contain_text("slice 5/6")
    # Its outline is the last thing that is asked for before the mark is there.
    with tab.expect_response(lambda one: "{region(" in (one.request.post_data or "")):
        for route in held:
            route.continue_()
    tab.wait_for_timeout(300)
    assert "region" not in tab.url
    expect(tab.locator("#empty-answer")).to_be_visible()


def test_a_key_that_leads_to_no_other_slice_takes_no_mark_away(
    visit: Visit, address: str, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), texture_of_all_sizes(80, 80, seed=0))
    tab = visit(address)
    tab.set_input_files("#file", tmp_path / "one.png")
    expect(tab.locator("#window-values")).not_to_be_empty()
    drag(tab)
    expect(tab.locator(".findings")).to_be_visible()
    tab.locator("#stage").focus()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("+")
    expect(tab.locator("#stage .region rect")).to_have_count(1)
    assert "region" in tab.url


def test_new_images_are_taken_without_a_question_where_nothing_was_asked(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    tab.evaluate("document.getElementById('fresh').hidden = false")
    with tab.expect_request(lambda one: "{images(" in (one.post_data or "")):
        tab.click("#take")
    expect(tab.locator("#count")).to_have_text("20 images")
    assert "asked" not in tab.url
    expect(tab.locator("#empty-answer")).to_be_visible()


def test_a_page_that_starts_while_the_server_is_away_opens_what_its_address_names(
    visit: Visit, address: str
) -> None:
    tab = visit(address, allows="ERR_").context.new_page()
    lost: list[Route] = []

    def lose_the_first(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route)
            route.abort()

    tab.route("**/graphql", lose_the_first)
    tab.goto(f"{address}#index=scans.index&image=ct0%2F002.dcm&asked=true")
    expect(tab.locator("#look-title")).to_have_text("ct0/002.dcm")
    expect(tab.locator(".hit").first).to_be_visible()
    assert len(lost) == 1


def test_an_answer_that_ends_before_its_hits_is_asked_for_again(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    cut: list[Route] = []
    progress = '{"data":{"searching":{"__typename":"Progress","stage":"asking","done":0,"total":null}}}'

    def cut_the_first(route: Route) -> None:
        if cut or "searching(" not in (route.request.post_data or ""):
            route.continue_()
        else:
            cut.append(route)
            route.fulfill(content_type="text/event-stream", body=f"event: next\ndata: {progress}\n\n")

    tab.route("**/graphql", cut_the_first)
    drag(tab)
    expect(tab.locator(".findings")).to_be_visible()
    assert len(cut) == 1
