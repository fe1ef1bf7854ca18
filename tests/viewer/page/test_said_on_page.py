"""What the page says of a question: of both answers head to head, and of what is not asked with."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from support.browser import drag, open_image

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, Route, expect

Visit = Callable[..., Page]


def told_of_a_network(route: Route) -> None:
    """Answer as the server does, but say that thumbnails are of a network: head to head needs one."""
    answer = route.fetch()
    found = answer.json()
    for index in (found.get("data") or {}).get("indexes") or []:
        for one in index["representations"]:
            one["family"] = "deep" if one["name"] == "thumbnail" else one["family"]
    if both := (found.get("data") or {}).get("headToHead"):
        both["second"]["notes"] = ["said of the second alone"]
    route.fulfill(response=answer, body=json.dumps(found))


def test_head_to_head_says_what_both_answers_found(visit: Visit, address: str) -> None:
    tab = visit(address)
    tab.route("**/graphql", told_of_a_network)
    tab.reload()
    open_image(tab)
    tab.select_option("#by", "headToHead")
    tab.click("#ask-whole")
    columns = tab.locator(".both > section")
    expect(columns).to_have_count(2)
    for column, name in zip(columns.all(), ("superpixel", "thumbnail"), strict=True):
        expect(column.locator("h3").first).to_contain_text(name)
        expect(column.locator(".findings h3")).to_contain_text("Findings among")
        assert column.locator(".hit").count() > 1
        assert column.evaluate("(node) => node.scrollWidth <= node.clientWidth")
    # Of which of the two answers they would be, nobody could tell.
    expect(tab.locator("#findings > *, #references > *")).to_have_count(0)
    expect(tab.locator("#answer-notes")).to_contain_text("said of the second alone")


def test_the_whole_volume_cannot_be_chosen_beside_a_mark(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab)
    tab.click("details.more summary")
    tab.check("#volume")
    drag(tab)
    expect(tab.locator(".hit").first).to_be_visible()
    expect(tab.locator("#volume")).to_be_disabled()
    tab.keyboard.press("Escape")
    expect(tab.locator("#volume")).to_be_enabled()
    expect(tab.locator("#volume")).to_be_checked()
