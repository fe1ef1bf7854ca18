"""What stands around an image is of that image: also while it comes, on the way back, and without a mouse."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
import pytest
from support.browser import drag, open_image
from support.images import texture_of_all_sizes
from support.served import INDEX, hounsfield, run, write_ct

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect
from support.server_process import listening

Visit = Callable[..., Page]
FIRST = "ct0/005.dcm"
"""The lowest slice of a series of six."""
BRIGHT = """() => {
  const { width, height } = document.querySelector('#stage canvas');
  const context = document.querySelector('#stage canvas').getContext('2d');
  return context.getImageData(0, 0, width, height).data.some((one, i) => i % 4 < 3 && one);
}"""


def test_an_image_that_is_on_its_way_does_not_look_like_the_last_one(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab, FIRST)
    may_go = threading.Event()
    tab.route("**/pixels", lambda route: route.continue_() if may_go.is_set() else held.append(route))
    held: list[object] = []
    tab.click('#list [data-id="colour.png"]')
    expect(tab.locator("#look-title")).to_have_text("colour.png")
    for place in ("labels", "where-am-i", "window-values"):
        expect(tab.locator(f"#{place}")).to_be_empty()
    tab.wait_for_function(f"() => !({BRIGHT})()")
    # Nothing can be marked on what is not there.
    drag(tab, (0.4, 0.4), (0.6, 0.6))
    assert "region" not in tab.url
    may_go.set()
    for route in held:
        route.continue_()  # type: ignore[attr-defined]
    tab.wait_for_function(BRIGHT)


def test_the_value_under_a_resting_cursor_is_that_of_the_slice_on_screen(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab, FIRST)
    box = tab.locator("#stage").bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for number in range(3):
        expect(tab.locator("#where-am-i")).to_contain_text(f"slice {number + 1}/6")
        expect(tab.locator("#under")).to_contain_text("x 48 y 48")
        wanted = str(hounsfield(0, number)[48, 48]).replace("-", "−")
        expect(tab.locator("#under")).to_contain_text(f"HU {wanted}")
        tab.mouse.wheel(0, 100)
    tab.locator("header").hover()
    expect(tab.locator("#under")).to_be_empty()


def test_a_measurement_and_a_mark_that_was_begun_stay_on_their_slice(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab, FIRST)
    tab.keyboard.press("m")
    drag(tab, (0.3, 0.3), (0.6, 0.6))
    expect(tab.locator("#measured")).to_contain_text("mm")
    tab.keyboard.press("Escape")
    expect(tab.locator("#measured")).to_be_empty()
    drag(tab, (0.3, 0.3), (0.6, 0.6))
    expect(tab.locator("#measured")).to_contain_text("mm")
    tab.keyboard.press("p")
    tab.locator("#stage").click(position={"x": 60, "y": 60})
    expect(tab.locator(".preview *").first).to_be_attached()
    tab.click('#list [data-id="grey.png"]')
    expect(tab.locator("#look-title")).to_have_text("grey.png")
    expect(tab.locator("#measured")).to_be_empty()
    expect(tab.locator(".preview *, .ruler *")).to_have_count(0)


def test_another_image_has_its_own_window(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab, "grey.png")
    own = tab.locator("#window-values").inner_text()
    open_image(tab, FIRST)
    tab.keyboard.press("5")
    expect(tab.locator("#window-values")).to_have_text("W 80 L 40")
    # Slices of one series share a window.
    tab.keyboard.press("ArrowDown")
    expect(tab.locator("#where-am-i")).to_contain_text("slice 2/6")
    expect(tab.locator("#window-values")).to_have_text("W 80 L 40")
    open_image(tab, "grey.png")
    expect(tab.locator("#window-values")).to_have_text(own)


def test_files_from_outside_keep_their_names_and_nothing_of_others(
    visit: Visit, address: str, tmp_path: Path
) -> None:
    tab = visit(address)
    open_image(tab, FIRST)
    for seed, name in enumerate(("one.png", "two.png")):
        cv2.imwrite(str(tmp_path / name), texture_of_all_sizes(80, 80, seed=seed))
        tab.set_input_files("#file", tmp_path / name)
        expect(tab.locator("#look-title")).to_have_text(f"{name} (not in the index)")
    open_image(tab, "ct1/002.dcm")
    expect(tab.locator("#labels")).to_have_text("normal")
    for name in ("two.png", "one.png"):
        tab.go_back()
        expect(tab.locator("#look-title")).to_have_text(f"{name} (not in the index)")
        expect(tab.locator("#labels")).to_be_empty()
        expect(tab.locator("#where-am-i")).to_be_empty()
        expect(tab.locator("#slices")).to_be_hidden()
    tab.reload()
    expect(tab.locator("#look-title")).to_have_text("one.png (not in the index)")
    tab.go_back()
    expect(tab.locator("#look-title")).to_have_text(FIRST)
    expect(tab.locator("#where-am-i")).to_contain_text("slice 1/6")


def test_arrows_go_through_the_slices_of_what_was_clicked(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab, FIRST)
    tab.keyboard.press("ArrowDown")
    expect(tab.locator("#where-am-i")).to_contain_text("slice 2/6")
    tab.keyboard.press("ArrowUp")
    expect(tab.locator("#where-am-i")).to_contain_text("slice 1/6")


@pytest.mark.parametrize("part", ["like=null", "like=5", "k=%22a%22", "concept=%22a%22", "frame=%22x%22"])
def test_a_damaged_address_is_used_as_far_as_it_goes(part: str, visit: Visit, address: str) -> None:
    tab = visit(f"{address}#image=ct0%2F002.dcm&{part}")
    expect(tab.locator("#look-title")).to_have_text("ct0/002.dcm")
    tab.click("#ask-whole")
    expect(tab.locator(".hit").first).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(700, 450), (390, 640), (320, 568)])
def test_nothing_is_laid_over_an_image_on_a_low_screen(
    width: int, height: int, visit: Visit, address: str
) -> None:
    """As a screen of 1400 by 900 is at 200 %."""
    tab = visit(address)
    open_image(tab, FIRST)
    tab.click("#ask-whole")
    tab.locator(".hit .picture").first.click()
    expect(tab.locator("#hit-where")).not_to_be_empty()
    tab.set_viewport_size({"width": width, "height": height})
    parts = [".pane-head:has(#look-title)", "#stage", ".readout", ".hit-bar", "#stage-hit", ".tools"]
    boxes = [tab.locator(part).bounding_box() for part in parts]
    for above, below in pairwise(boxes):
        assert above is not None and below is not None
        assert above["y"] + above["height"] <= below["y"] + 1
    tab.locator(".tools").scroll_into_view_if_needed()
    expect(tab.locator("#ask-whole")).to_be_in_viewport()


def test_pixels_that_are_not_square_are_shown_and_marked_as_they_lie(visit: Visit, tmp_path: Path) -> None:
    values = np.full((40, 80), -1000, np.int16)
    values[10:20, 20:40] = 1000
    for number in range(2):
        file = tmp_path / "images" / "ct" / f"{number}.dcm"
        write_ct(file, values, "P0", "1", number, PixelSpacing=[2.0, 0.5])
    arguments = ["--by", "thumbnail", "--jobs", "1", "--quiet"]
    assert run(["index", tmp_path / "images", "-o", tmp_path / INDEX, *arguments])[0] == 0
    with listening(tmp_path / INDEX) as address:
        tab = visit(address, allows="ERR_")
        open_image(tab, "ct/0.dcm")
        # 40 mm wide and 80 mm high: it is drawn so, on a stage that is less high.
        box = tab.locator("#stage").bounding_box()
        assert box is not None
        middle, height = box["width"] / 2 / box["width"], box["height"]
        share = height / 80 / box["width"]  # of the width of the stage, a mm
        bright = [(middle + (x / 2 - 20) * share, y * 2 / 80) for x, y in ((20.5, 10.2), (39.5, 19.8))]
        for x, y in bright:
            tab.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            expect(tab.locator("#under")).to_contain_text("HU 1000")
        drag(tab, *bright)
        expect(tab.locator("#area")).to_contain_text("mm²")
        region = json.loads(parse_qs(urlsplit(tab.url).fragment)["region"][0])
        assert np.allclose(region["box"], [20, 10, 20, 10], atol=1)
        drawn = tab.locator(".region rect").bounding_box()
        assert drawn is not None
        assert abs(drawn["height"] / drawn["width"] - 2) < 0.3


def bring(tab: Page, file: Path) -> None:
    """Bring a file to the page and wait for its pixels."""
    tab.set_input_files("#file", file)
    expect(tab.locator("#look-title")).to_have_text(f"{file.name} (not in the index)")
    expect(tab.locator("#window-values")).not_to_be_empty()


def test_a_window_is_shown_and_set_as_radiologists_say_it(visit: Visit, address: str, tmp_path: Path) -> None:
    # PS3.3 C.11.2.1.2.1: 400 whole numbers from -160 to 239, both of which count.
    window = {"WindowCenter": 40, "WindowWidth": 400}
    tab = visit(address)
    bring(tab, write_ct(tmp_path / "ct.dcm", hounsfield(0, 0), "P", "1", 0, **window))
    values = tab.locator("#window-values")
    expect(values).to_have_text("W 400 L 40")
    # By the keyboard alone, and on a telephone, which has no right button.
    tab.click(".more summary")
    expect(tab.locator("#window-width")).to_have_value("400")
    tab.fill("#window-width", "1500")
    tab.fill("#window-level", "-600")
    tab.keyboard.press("Enter")
    expect(values).to_have_text("W 1500 L −600")
    tab.fill("#window-width", "0")
    tab.keyboard.press("Enter")
    expect(values).to_have_text("W 1500 L −600")
    tab.click(".more summary")
    tab.locator("#stage").focus()
    tab.keyboard.press("1")
    expect(values).to_have_text("W 400 L 40")


def test_what_is_measured_is_written_upright_however_the_image_is_stretched(
    visit: Visit, address: str, tmp_path: Path
) -> None:
    tab = visit(address)
    # Pixels four times as tall as wide.
    bring(tab, write_ct(tmp_path / "tall.dcm", hounsfield(0, 0), "P", "1", 0, PixelSpacing=[2.0, 0.5]))
    tab.keyboard.press("m")
    drag(tab, (0.46, 0.45), (0.5, 0.55))
    text = tab.locator("#stage .ruler text")
    before = text.bounding_box()
    assert before is not None
    assert before["height"] < 24 < before["width"]
    tab.keyboard.press("+")
    tab.wait_for_timeout(100)
    after = text.bounding_box()
    assert after is not None
    assert after["width"] == pytest.approx(before["width"], abs=2)


def test_the_value_under_the_cursor_is_there_while_something_is_marked(visit: Visit, address: str) -> None:
    tab = visit(address)
    open_image(tab, FIRST)
    box = tab.locator("#stage").bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    before = tab.locator("#under").inner_text()
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    expect(tab.locator("#under")).not_to_have_text(before)
    tab.mouse.up()


def test_of_several_files_it_is_said_that_one_was_taken(visit: Visit, address: str, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "one.png"), texture_of_all_sizes(80, 80, seed=0))
    tab = visit(address)
    # A browser has nothing to read of a folder that is dropped.
    read = """async (files) => {
      const { drop } = await import('/static/page/js/keep.js');
      const folder = new File([], 'scans');
      folder.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException('', 'NotFoundError')) });
      drop([files ? document.getElementById('file').files[0] : folder, folder]);
    }"""
    tab.evaluate(read, False)
    expect(tab.locator("#toast")).to_have_text("scans cannot be read; drop a file, no folder.")
    expect(tab.locator("#gone")).to_be_hidden()
    # Chosen, and not taken yet.
    tab.evaluate("addEventListener('change', (event) => event.stopPropagation(), true)")
    tab.set_input_files("#file", tmp_path / "one.png")
    tab.evaluate(read, True)
    expect(tab.locator("#toast")).to_contain_text("Only this one of 2 files was taken.")
    expect(tab.locator("#look-title")).to_have_text("one.png (not in the index)")


def test_a_long_label_has_lines_of_its_own_and_paper_holds_all_hits(visit: Visit, address: str) -> None:
    tab = visit(address, width=1024)
    open_image(tab, FIRST)
    tab.click("#ask-whole")
    expect(tab.locator(".findings li").first).to_be_visible()
    wide = """text => {
      const [row] = document.querySelectorAll('.findings li');
      row.firstChild.textContent = text;
      return row.firstChild.getBoundingClientRect().width / row.getBoundingClientRect().width;
    }"""
    assert tab.evaluate(wide, "mass") < 0.5
    assert tab.evaluate(wide, "organising pneumonia of the right lower lobe") > 0.99
    tab.emulate_media(media="print")
    last = tab.locator(".hit").last
    assert tab.evaluate("document.documentElement.scrollHeight > innerHeight")
    assert last.evaluate("node => node.getBoundingClientRect().bottom") < tab.evaluate(
        "document.documentElement.scrollHeight"
    )
