"""What the page says of a question: of both answers head to head, and of what is not asked with."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from support.browser import drag, open_image

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Error, Page, Route, expect

Visit = Callable[..., Page]


def told_of_a_network(route: Route) -> None:
    """Answer as the server does, but say that thumbnails are of a network: head to head needs one."""
    try:
        answer = route.fetch(timeout=0)
        found = answer.json()
    except Error:  # the page was left meanwhile
        return
    for index in (found.get("data") or {}).get("indexes") or []:
        for one in index["representations"]:
            one["family"] = "deep" if one["name"] == "thumbnail" else one["family"]
    both = (found.get("data") or {}).get("headToHead") or {}
    if "second" in both:
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


def test_neither_of_two_answers_head_to_head_is_kept_under_the_name_of_a_third(
    visit: Visit, address: str
) -> None:
    tab = visit(address)
    open_image(tab)
    tab.click("details.more summary")
    why = tab.get_by_text("head to head there are two answers")
    for by, is_kept in (("headToHead", False), ("default", True)):
        tab.goto(f"{address}#image=ct0/002.dcm&by={by}")
        for kind in ("report", "sheet", "json", "csv"):
            expect(tab.locator(f"[data-export={kind}]")).to_be_enabled(enabled=is_kept)
        expect(why).to_be_visible(visible=not is_kept)


def test_a_slice_without_a_score_is_a_gap_in_the_curve(visit: Visit, address: str) -> None:
    disliked = '["ct1/003.dcm"]'
    tab = visit(f"{address}#image=ct0/002.dcm&by=thumbnail&unlike={disliked}")
    tab.locator('[data-id^="ct1/"] .picture').first.click()
    bars = tab.locator("#curve rect")
    expect(bars).to_have_count(6)
    tall = bars.evaluate_all("bars => bars.map(bar => Number(bar.getAttribute('height')))")
    # It is none of the scores, and so no measure for the others, the lowest of which has the lowest bar.
    assert sorted(tall)[:2] == [0, 2]
    assert max(tall) == 24


def test_head_to_head_joins_cases_that_both_found(visit: Visit, address: str) -> None:
    tab = visit(address)
    tab.route("**/graphql", told_of_a_network)
    tab.goto(f"{address}#image=ct0/002.dcm&by=headToHead&groupBy=patient&where=modality+%3D+'CT'&asked=true")
    tab.reload()
    expect(tab.locator("#answer-title")).to_contain_text("100 % of the hits are shared")
    expect(tab.locator(".both > section .shared")).to_have_count(6)
    lines = tab.locator(".both .lines line")
    expect(lines).to_have_count(3)
    ends = [tab.locator(f".both > section:nth-of-type({side}) .hit") for side in (1, 2)]
    for number in range(3):
        y = [float(lines.nth(number).get_attribute(name) or "nan") for name in ("y1", "y2")]
        assert all(0 < place < 10_000 for place in y)
    assert [one.count() for one in ends] == [3, 3]
    # Each finds another image of a case best, so that no row of one column has the name of one of the other.
    names = [set(one.evaluate_all("rows => rows.map(row => row.dataset.id)")) for one in ends]
    assert names[0] != names[1]


def test_head_to_head_has_hits_and_more_of_them_if_either_answer_has(visit: Visit, address: str) -> None:
    def without_words(route: Route) -> None:
        answer = route.fetch(timeout=0)
        found = answer.json()
        if both := (found.get("data") or {}).get("headToHead"):
            both["first"]["hits"] = both["shared"] = []
        route.fulfill(response=answer, body=json.dumps(found))

    tab = visit(address)
    tab.route("**/graphql", told_of_a_network)
    tab.reload()
    open_image(tab)
    tab.unroute("**/graphql")
    tab.route("**/graphql", without_words)
    tab.select_option("#by", "headToHead")
    tab.evaluate("() => { location.hash += '&k=4'; }")
    tab.click("#ask-whole")
    deep = tab.locator(".both > section:last-of-type .hit")
    expect(deep).to_have_count(4)
    tab.click("#more-hits")
    expect(deep).to_have_count(19)
    expect(tab.locator(".both > section:first-of-type .hit")).to_have_count(0)
    expect(tab.locator("#answer-notes")).not_to_contain_text("No hit")


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
