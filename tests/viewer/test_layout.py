"""Pages as a browser lays them out: on a narrow screen and a wide one, small and enlarged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.browser import CHROMIUM, measured
from support.pages import encoded

from retrieval.answers.fusion import Vote
from viewer.answer import Answer, Caption, Row, SliceImage
from viewer.map import Chart, Spot, write_map
from viewer.provenance import Fact
from viewer.report import Page, write_page
from viewer.report_table import ReportTable

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="pages are laid out by chromium")

LONG = "studies/0123456789abcdef0123456789abcdef/series-of-a-long-name/slice.dcm"
FACTS = [Fact("window", "lung"), Fact("recipe of superpixel", "0123456789abcdef" * 4, is_detail=True)]
WIDTHS = "return { page: page.documentElement.scrollWidth, screen: page.documentElement.clientWidth, " + (
    "cut: [...page.querySelectorAll('body *')].filter((e) => e.scrollWidth > e.clientWidth + 1 && "
    "e.clientWidth > 0 && getComputedStyle(e).overflowX !== 'visible' && !e.closest('.hidden'))"
    ".map((e) => e.className + ' ' + e.textContent.slice(0, 60)) };"
)
ENLARGED = """
  const zoom = page.querySelector("ol .zoom"), image = zoom.querySelector("img");
  const size = () => [image.getBoundingClientRect().width, page.documentElement.scrollHeight];
  const small = size();
  zoom.querySelector("summary").click();
  const large = size();
  zoom.querySelector("summary").click();
  return { small, large, again: size() };
"""


def report() -> str:
    """Write a report of one image and one volume with long names, and tables of few and of many columns."""
    image = encoded(size=(256, 200))
    votes = {name: Vote(1234, 0.5, 0.25) for name in ("superpixel", "superpixel+nca")}
    group = {"patient": "0123456789abcdef", "site": "a hospital with a long name"}
    rows = tuple(
        Row(Caption(LONG, "ground glass", group), rank, 0.1234, inliers=12, votes=votes, image=image)
        for rank in range(1, 8)
    )
    slices = tuple(SliceImage(f"{LONG}#{i}", image, 0.5) for i in range(5))
    volume = Answer(
        Caption(LONG, "normal"), "sift", (Row(Caption(LONG), 1, 1.0, slices=slices),), slices=slices
    )
    tables = [
        ReportTable("A table.", ["label", "images", "chance", "sift", "dense", "superpixel"], [LINE[:6]] * 2),
        ReportTable("A wide one.", ["label", "a", "b", "c", "d", "e", "f"], [LINE] * 2),
        ReportTable("Links.", ["label", "link"], [["a", "https://example.org/" + "path/" * 20]]),
    ]
    answers = [Answer(Caption(LONG, "normal"), "superpixel", rows, image=image), volume]
    return write_page(Page(f"What looks like {LONG}", answers, ["One sentence."], tables, FACTS))


LINE = ["ultrasound lymph node", "137", "0.13", "0.25", "0.08", "0.33", "1,234"]


def chart() -> str:
    """Write a map with long names."""
    spots = [Spot(LONG, f"label number {i}", i / 9, -i / 9, encoded()) for i in range(9)]
    return write_map(Chart(f"Map of {LONG}", ["One sentence."], "label", spots, FACTS))


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("write", [report, chart])
def test_nothing_is_cut_off_or_wider_than_the_screen(
    write: Callable[[], str], width: int, tmp_path: Path
) -> None:
    found = measured(write(), width, WIDTHS, tmp_path)
    assert found["page"] <= found["screen"] <= width
    assert found["cut"] == []


def test_a_click_enlarges_an_image_and_another_makes_it_small(tmp_path: Path) -> None:
    found = measured(report(), 1280, ENLARGED, tmp_path)
    assert found["small"][0] < 200 and found["large"][0] > 800
    assert found["small"] == found["again"]
    assert found["small"][1] == found["large"][1]  # nothing moves below it
