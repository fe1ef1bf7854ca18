"""The report page and the contact sheet."""

from __future__ import annotations

import base64
import re
from html import escape
from itertools import product

import numpy as np
from support.pages import PageReader, encoded

from retrieval.answers.fusion import Vote
from retrieval.answers.grouping import Case
from viewer.answer import Answer, Caption, Row, SliceImage
from viewer.contact_sheet import CELL, draw_sheet
from viewer.page import static
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


def test_half_characters_do_not_break_the_page() -> None:
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


def hits(*labels: str) -> Answer:
    """Make an answer to a query with the label cyst, a hit for each label."""
    rows = [Row(Caption(f"{i}.png", label), i + 1, 0.5, image=encoded()) for i, label in enumerate(labels)]
    return Answer(Caption("q", "cyst"), "sift", tuple(rows), image=encoded())


def test_a_hit_with_another_label_is_marked_in_text_too() -> None:
    read = PageReader(page(hits("cyst", "mass", "", "mass;cyst")))
    assert [item.get("class") for item in read.named("li")] == ["same", "other", None, "same"]
    assert len(read.classed("mark")) == 1 and read.text.count("other label") == 1
    assert read.text.count("✓") == 2 and read.text.count("≠ mass") == 1
    assert "Rank 2: 1.png, other label than the query" in [image["alt"] for image in read.named("img")]


def test_every_image_can_be_enlarged_and_is_held_once() -> None:
    text = page(hits("cyst", "mass"))
    read = PageReader(text)
    assert len(read.classed("zoom")) == len(read.named("img")) == text.count("base64,") == 3


def test_recipes_are_folded_and_other_facts_are_not() -> None:
    text = page(hits("cyst"))
    footer = text[text.index("<footer>") :]
    shown, folded = footer.split("<details>")
    assert escape(f"recipe of {NASTY}") in folded and "recipe of" not in shown
    assert f"<dt>{escape(NASTY)}</dt>" in shown
    assert "<details>" not in write_page(Page("t", [hits("cyst")], facts=[Fact("window", "lung")]))


def test_inliers_votes_and_cases_are_said_in_full() -> None:
    case = Case("patient", "p7", (("a.png", 0.5),), 12)
    votes = {"sift": Vote(1500, 0.1, 0.25)}
    row = Row(Caption("a.png"), 1, 0.5, case=case, inliers=1234, votes=votes, image=encoded())
    text = PageReader(page(Answer(Caption("q"), "sift+dense", (row,)))).text
    for part in ("1,234 inliers", "sift rank\N{NO-BREAK SPACE}1,500, 25%", "12 images of the case"):
        assert part in text


def test_slices_of_a_volume_stand_below_those_they_match() -> None:
    asked = tuple(SliceImage(f"q{i}", encoded()) for i in range(3))
    found = (SliceImage("a0", encoded(), 0.51), SliceImage("a1", encoded(), 0.62), SliceImage(""))
    row = Row(Caption("a1"), 1, 0.9, image=encoded(), slices=found)
    text = page(Answer(Caption("q"), "sift", (row,), image=encoded(), slices=asked))
    read = PageReader(text)
    assert len(read.classed("volume")) == 1 and len(read.classed("strip")) == 2
    assert [image["alt"] for image in read.named("img")] == [
        *(f"Query slice q{i}" for i in range(3)),
        "Rank 1, slice a0",
        "Rank 1, slice a1",
    ]
    assert "0.51" in read.text and "0.62" in read.text


def test_a_sheet_marks_another_label_and_shows_the_image_of_each_hit() -> None:
    plain, marked = draw_sheet([hits("cyst")]), draw_sheet([hits("mass")])
    amber = np.all(np.asarray(marked) == (138, 90, 0), axis=2)
    assert amber.any() and not np.all(np.asarray(plain) == (138, 90, 0), axis=2).any()


def test_tables_name_their_columns_in_every_cell() -> None:
    read = PageReader(page(hits("cyst")))
    assert [cell["data-head"] for cell in read.named("td")] == [NASTY]


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb`` (WCAG 2.1)."""
    levels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in levels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_has_contrast_in_every_theme() -> None:
    themes = [dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in static("tokens.css").split("@media")]
    assert len(themes) == 3
    for theme in themes:
        for text, ground in product(("text", "quiet", "accent", "right", "warn"), ("ground", "surface")):
            one, other = sorted((luminance(theme[text]), luminance(theme[ground])))
            assert (other + 0.05) / (one + 0.05) >= 4.5, (text, ground, theme)
    assert all(themes[0].keys() == theme.keys() for theme in themes)
