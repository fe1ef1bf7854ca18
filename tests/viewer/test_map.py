"""The map page: what is on it, that it is self-contained, and what its script does."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pages import PageReader, encoded

from viewer.map import Chart, Spot, write_map
from viewer.page import static
from viewer.palette import palette
from viewer.provenance import Fact

NASTY = "</script><script>alert('x')</script>\"&<!--\u2028.png"
STAGE = Path(__file__).with_name("map_stage.js")


def chart(n: int = 3, kind: str = NASTY) -> Chart:
    spots = [
        Spot(
            f"{i}{NASTY}",
            kind if i else "",
            i / n,
            -i / n,
            encoded("JPEG", (80 * i % 256, 10, 200), (192, 96)),
        )
        for i in range(n)
    ]
    return Chart(NASTY, [NASTY], NASTY, spots, [Fact(NASTY, NASTY)])


def test_nothing_that_a_name_can_hold_breaks_out() -> None:
    text = write_map(chart())
    page = PageReader(text)
    assert len(page.named("script")) == 2
    assert "<script>alert" not in text
    assert "".join(page.texts["title"]) == "".join(page.texts["h1"]) == NASTY
    assert [spot["id"] for spot in page.data["spots"]] == [f"{i}{NASTY}" for i in range(3)]
    assert NASTY in page.texts["span"]
    assert text.encode("utf-8")


def test_half_characters_do_not_break_the_page() -> None:
    spot = Spot("bad\udcff", "worse\udcff", 0, 0, encoded())
    assert write_map(Chart("t", [], "label", [spot])).encode("utf-8", "backslashreplace")


def test_the_page_needs_nothing_from_elsewhere_and_runs_its_own_script_only() -> None:
    text = write_map(chart(kind="a"))
    assert not re.search(r"https?://|@import|url\(|<link", text)
    script = text[text.rindex("<script>") + 8 : text.rindex("</script>")]
    assert script == static("map.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in text
    )


def test_each_picture_has_its_own_part_of_a_sheet() -> None:
    page = PageReader(write_map(chart()))
    (sheet,) = page.images()
    for i, spot in enumerate(page.data["spots"]):
        assert (spot["w"], spot["h"]) == (160, 80)
        colour = sheet.getpixel((spot["left"] + 80, spot["top"] + 40))
        assert np.abs(np.subtract(colour, (80 * i % 256, 10, 200))).max() < 8  # type: ignore[arg-type]


def test_many_pictures_take_several_sheets_and_few_bytes() -> None:
    noise = np.random.default_rng(0)
    jpegs = []
    for _ in range(20):
        stream = io.BytesIO()
        grey = Image.fromarray(noise.integers(0, 256, (24, 24), dtype=np.uint8)).resize((192, 192))
        grey.save(stream, "JPEG", quality=80)
        jpegs.append(stream.getvalue())
    text = write_map(Chart("t", [], "label", [Spot(f"{i}", "a", 0, 0, jpegs[i % 20]) for i in range(2000)]))
    page = PageReader(text)
    found = page.images()
    assert len(text) < 15e6
    assert len(found) > 1
    assert max(max(sheet.size) for sheet in found) <= 2048
    for spot in page.data["spots"]:
        assert spot["left"] + spot["w"] <= found[spot["sheet"]].width
        assert spot["top"] + spot["h"] <= found[spot["sheet"]].height


def test_the_legend_counts_every_kind_the_largest_first_and_none_last() -> None:
    kinds = ["b", "a", "b", "", "c", "", ""]
    page = PageReader(
        write_map(Chart("t", [], "l", [Spot(str(i), k, 0, 0, encoded()) for i, k in enumerate(kinds)]))
    )
    assert [kind["name"] for kind in page.data["kinds"]] == ["b", "a", "c", "none"]
    assert [text for text in page.texts["span"] if text.isdigit()] == ["2", "1", "1", "3"]
    assert [spot["kind"] for spot in page.data["spots"]] == [0, 1, 0, 3, 2, 3, 3]
    assert len(page.named("input")) == 4


def test_colours_differ_and_none_is_grey() -> None:
    colours = list(palette([str(i) for i in range(24)]))
    assert len(set(colours)) == 24
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)
    assert list(palette(["", "a"])) == ["#8a9096", "#0072b2"]


@pytest.mark.skipif(shutil.which("node") is None, reason="the script is run by node")
def test_the_script_zooms_pans_shows_and_hides() -> None:
    places = [(-1.0, -0.5), (0.5, 0.25), (1.0, 1.0), (0.0, 0.0)]
    spots = [Spot(f"{i}.png", "ba"[i % 2], x, y, encoded()) for i, (x, y) in enumerate(places)]
    page = PageReader(write_map(Chart("t", [], "label", spots)))
    asked = json.dumps({"data": page.data, "script": static("map.js").replace('"use strict";', "")})
    done = subprocess.run(["node", str(STAGE)], input=asked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    log = json.loads(done.stdout)
    start = log["start"]
    assert start["x"] == pytest.approx([400 + 276 * x for x, _ in places])
    assert start["y"] == pytest.approx([300 + 276 * y for _, y in places])
    assert (start["zoom"], start["current"]) == (1, -1)
    assert start["drawn"] > 4
    assert (log["hover"]["current"], log["hover"]["id"], log["hover"]["hidden"]) == (1, "1.png", False)
    assert log["wheel"]["zoom"] == pytest.approx(np.exp(0.6))
    assert log["wheel"]["x"][1] == pytest.approx(start["x"][1])  # what the pointer is on stays there
    assert (log["next"]["current"], log["next"]["announced"]) == (2, "2.png, b")
    assert log["previous"]["current"] == 1
    assert log["whole"]["x"] == pytest.approx(start["x"])
    assert log["plus"]["zoom"] == pytest.approx(1.3)
    assert log["left"]["x"][0] == pytest.approx(start["x"][0] + 60)
    assert (log["escape"]["current"], log["escape"]["hidden"]) == (-1, True)
    first = page.data["kinds"][0]["name"]
    hidden = [i for i in range(4) if "ba"[i % 2] == first]
    assert log["hide"]["shown"] == [False, True]
    assert log["hide"]["current"] not in hidden and log["skip"]["current"] not in hidden
    assert (log["none"]["current"], log["none"]["shown"]) == (-1, [False, False])
    assert log["all"]["shown"] == [True, True]
    assert log["drag"]["x"][0] == pytest.approx(start["x"][0] + 100)
