"""The report page and the contact sheet."""

from __future__ import annotations

import base64
import re

import numpy as np
from support.pages import PageReader, encoded

from viewer.answer import Answer, Caption, Row
from viewer.contact_sheet import CELL, draw_sheet
from viewer.provenance import Fact
from viewer.report import Page, write_page
from viewer.report_table import ReportTable

NASTY = "<script>alert('x')</script>\"&.png"


def page(*answers: Answer) -> str:
    table = ReportTable(f"About {NASTY}", ["label", NASTY], [[NASTY, "0.5"]])
    facts = [Fact("recipe of " + NASTY, NASTY, is_detail=True), Fact(NASTY, NASTY)]
    return write_page(Page(NASTY, answers, [NASTY], [table], facts))


def answer(
    id: str = NASTY,
    by: str = "superpixel",
    n: int = 2,
    image: bytes = b"",
    hits: dict[int, bytes] | None = None,
) -> Answer:
    """Make an answer of n hits; ``hits`` are the images of some of them."""
    rows = [
        Row(Caption(f"{id}{i}", NASTY, {NASTY: NASTY}), i + 1, 1 / (i + 1), image=(hits or {}).get(i, b""))
        for i in range(n)
    ]
    return Answer(Caption(id, NASTY), by, tuple(rows), image=image)


def test_everything_that_a_name_can_hold_is_escaped() -> None:
    text = page(answer(image=encoded("PNG"), hits={0: encoded("JPEG")}))
    read = PageReader(text)
    assert not read.named("script")
    assert "<script" not in text
    assert all("onerror" not in attributes for _, attributes in read.tags)
    assert f"Query {NASTY}" in [image["alt"] for image in read.named("img")]
    assert NASTY in read.text


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = page(answer(hits={1: encoded("JPEG")}))
    read = PageReader(text)
    assert not re.search(r"https?://|@import|url\(", text)
    assert all((image["src"] or "").startswith("data:image/") for image in read.named("img"))
    assert not read.named("link")


def test_pictures_are_inlined_as_what_they_are() -> None:
    kinds = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
    for format, media in kinds.items():
        picture = encoded(format)
        (image, *_) = PageReader(page(answer("q", n=0, image=picture))).named("img")
        kind, _, data = (image["src"] or "").partition(";base64,")
        assert kind == f"data:{media}"
        assert base64.b64decode(data) == picture


def test_every_picture_has_a_text_in_its_place() -> None:
    read = PageReader(page(answer("q", hits={0: encoded("PNG")})))
    assert [image["alt"] for image in read.named("img")] == ["Rank 1: q0, same label as the query"]
    missing = [a["aria-label"] for a in read.named("div") if a.get("role") == "img"]
    assert missing == ["Query q", "Rank 2: q1, same label as the query"]


def test_answers_to_one_query_stand_together() -> None:
    one, other = answer("q", "sift"), answer("q", "dense")
    assert len(PageReader(page(one, other, answer("r"))).named("section")) == 2


def test_no_hits_and_negative_scores_are_shown() -> None:
    rows = (Row(Caption("a"), 1, -0.5), Row(Caption("b"), 2, -1.0))
    text = page(Answer(Caption("q"), "sift", ()), Answer(Caption("r"), "sift", rows))
    assert "No image to rank" in text
    assert "width:0%" in text


def test_half_characters_do_not_break_the_page(tmp_path: object) -> None:
    assert page(answer("bad\udcff")).encode("utf-8", "backslashreplace")


def test_the_sheet_frames_the_query_and_grows_with_the_hits() -> None:
    images = {"image": encoded("PNG"), "hits": {0: encoded("JPEG")}}
    small = draw_sheet([answer("q", n=1, **images)])
    large = draw_sheet([answer("q", n=6, **images), answer("r", n=0)], per_line=5)
    assert small.width == large.width
    assert large.height > 2 * small.height
    red = np.all(np.asarray(small) == np.asarray([254, 0, 0]), axis=2)
    assert np.count_nonzero(red) > CELL * CELL // 2


def test_a_sheet_of_names_that_no_font_has_is_drawn() -> None:
    assert draw_sheet([answer("片\u0000\udcff" * 40)]).height > CELL
