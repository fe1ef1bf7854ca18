"""The report page and the contact sheet."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from viewer.answer import Answer, Caption, Row
from viewer.contact_sheet import CELL, draw_sheet
from viewer.report import Page, ReportTable, write_page

NASTY = "<script>alert('x')</script>\"&.png"


class Reader(HTMLParser):
    """Gather the tags, attributes and texts of a page, and check that tags are closed."""

    VOID = ("meta", "img")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def encoded(format: str, size: tuple[int, int] = (8, 6)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "red").save(stream, format)
    return stream.getvalue()


def page(*answers: Answer, thumbnails: dict[str, bytes] | None = None) -> str:
    table = ReportTable(f"About {NASTY}", ["label", NASTY], [[NASTY, "0.5"]])
    facts = [("recipe of " + NASTY, NASTY)]
    return write_page(Page(NASTY, answers, thumbnails or {}, [NASTY], [table], facts))


def answer(id: str = NASTY, by: str = "superpixel", n: int = 2) -> Answer:
    rows = [Row(Caption(f"{id}{i}", NASTY, {NASTY: NASTY}), i + 1, 1 / (i + 1)) for i in range(n)]
    return Answer(Caption(id, NASTY), by, tuple(rows))


def test_everything_that_a_name_can_hold_is_escaped() -> None:
    text = page(answer(), thumbnails={NASTY: encoded("PNG"), f"{NASTY}0": encoded("JPEG")})
    read = Reader(text)
    assert not read.named("script")
    assert "<script" not in text
    assert all("onerror" not in attributes for _, attributes in read.tags)
    assert f"Query {NASTY}" in [image["alt"] for image in read.named("img")]
    assert NASTY in "".join(read.texts)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = page(answer(), thumbnails={f"{NASTY}1": encoded("JPEG")})
    read = Reader(text)
    assert not re.search(r"https?://|@import|url\(", text)
    assert all((image["src"] or "").startswith("data:image/") for image in read.named("img"))
    assert not read.named("link")


def test_pictures_are_inlined_as_what_they_are() -> None:
    kinds = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
    for format, media in kinds.items():
        picture = encoded(format)
        (image, *_) = Reader(page(answer("q", n=0), thumbnails={"q": picture})).named("img")
        kind, _, data = (image["src"] or "").partition(";base64,")
        assert kind == f"data:{media}"
        assert base64.b64decode(data) == picture


def test_every_picture_has_a_text_in_its_place() -> None:
    read = Reader(page(answer("q"), thumbnails={"q0": encoded("PNG")}))
    assert [image["alt"] for image in read.named("img")] == ["Rank 1: q0, same label as the query"]
    missing = [a["aria-label"] for a in read.named("div") if a.get("role") == "img"]
    assert missing == ["Query q", "Rank 2: q1, same label as the query"]


def test_a_query_that_is_not_in_the_index_has_its_own_picture() -> None:
    pictures = {"q": encoded("PNG"), "query:q": encoded("JPEG")}
    (image,) = Reader(page(answer("q", n=0), thumbnails=pictures)).named("img")
    assert (image["src"] or "").startswith("data:image/jpeg")


def test_answers_to_one_query_stand_together() -> None:
    one, other = answer("q", "sift"), answer("q", "dense")
    assert len(Reader(page(one, other, answer("r"))).named("section")) == 2


def test_no_hits_and_negative_scores_are_shown() -> None:
    rows = (Row(Caption("a"), 1, -0.5), Row(Caption("b"), 2, -1.0))
    text = page(Answer(Caption("q"), "sift", ()), Answer(Caption("r"), "sift", rows))
    assert "No picture to rank" in text
    assert "width:0%" in text


def test_half_characters_do_not_break_the_page(tmp_path: object) -> None:
    assert page(answer("bad\udcff")).encode("utf-8", "backslashreplace")


def test_the_sheet_frames_the_query_and_grows_with_the_hits() -> None:
    pictures = {"q": encoded("PNG"), "q0": encoded("JPEG")}
    small = draw_sheet([answer("q", n=1)], pictures)
    large = draw_sheet([answer("q", n=6), answer("r", n=0)], pictures, per_line=5)
    assert small.width == large.width
    assert large.height > 2 * small.height
    red = np.all(np.asarray(small) == np.asarray([254, 0, 0]), axis=2)
    assert np.count_nonzero(red) > CELL * CELL // 2


def test_a_sheet_of_names_that_no_font_has_is_drawn() -> None:
    assert draw_sheet([answer("片\u0000\udcff" * 40)], {}).height > CELL
