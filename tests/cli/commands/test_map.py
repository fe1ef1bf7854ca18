"""The command map and its page: what stands on it, that it is self-contained, and what its script does."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cli.main import main
from viewer.map import Chart, Spot, palette, write_map
from viewer.map_script import SCRIPT

NASTY = "</script><script>alert('x')</script>\"&<!--\u2028.png"
VOID = ("meta", "img", "input", "rect")


class Reader(HTMLParser):
    """Gather the tags, attributes and texts of a page, and check that tags are closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.texts["script"][0])
        return found


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def encoded(colour: tuple[int, int, int], size: tuple[int, int] = (192, 96)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "JPEG")
    return stream.getvalue()


def chart(n: int = 3, kind: str = NASTY) -> Chart:
    spots = [
        Spot(f"{i}{NASTY}", kind if i else "", i / n, -i / n, encoded((80 * i % 256, 10, 200)))
        for i in range(n)
    ]
    return Chart(NASTY, [NASTY], NASTY, spots, [(NASTY, NASTY)])


def sheets(page: Reader) -> list[Image.Image]:
    sources = [str(image["src"]) for image in page.named("img")]
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    return [Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) for source in sources]


def test_nothing_that_a_name_can_hold_breaks_out() -> None:
    text = write_map(chart())
    page = Reader(text)
    assert len(page.named("script")) == 2
    assert "<script>alert" not in text
    assert "".join(page.texts["title"]) == "".join(page.texts["h1"]) == NASTY
    assert [spot["id"] for spot in page.data["spots"]] == [f"{i}{NASTY}" for i in range(3)]
    assert NASTY in page.texts["span"]
    assert text.encode("utf-8")


def test_half_characters_do_not_break_the_page() -> None:
    spot = Spot("bad\udcff", "worse\udcff", 0, 0, encoded((1, 2, 3)))
    assert write_map(Chart("t", [], "label", [spot])).encode("utf-8", "backslashreplace")


def test_the_page_needs_nothing_from_elsewhere_and_runs_its_own_script_only() -> None:
    text = write_map(chart(kind="a"))
    assert not re.search(r"https?://|@import|url\(|<link", text)
    script = text[text.rindex("<script>") + 8 : text.rindex("</script>")]
    assert script == SCRIPT
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in text
    )


def test_each_picture_has_its_own_part_of_a_sheet() -> None:
    page = Reader(write_map(chart()))
    (sheet,) = sheets(page)
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
    page = Reader(text)
    found = sheets(page)
    assert len(text) < 15e6
    assert len(found) > 1
    assert max(max(sheet.size) for sheet in found) <= 2048
    for spot in page.data["spots"]:
        assert spot["left"] + spot["w"] <= found[spot["sheet"]].width
        assert spot["top"] + spot["h"] <= found[spot["sheet"]].height


def test_the_legend_counts_every_kind_the_largest_first_and_none_last() -> None:
    kinds = ["b", "a", "b", "", "c", "", ""]
    page = Reader(
        write_map(
            Chart("t", [], "l", [Spot(str(i), k, 0, 0, encoded((1, 2, 3))) for i, k in enumerate(kinds)])
        )
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


STAGE = """
const fs = require("fs"), text = fs.readFileSync(0, "utf8"), parts = {}, frames = [], drawn = [];
const pen = new Proxy({}, { get: (own, name) => name in own ? own[name] : () => drawn.push(name),
  set: (own, name, value) => { own[name] = value; return true; } });
const element = () => ({ style: { setProperty() {} }, on: {}, clientWidth: 800, clientHeight: 600, parts: {},
  addEventListener(name, act) { this.on[name] = act; }, setPointerCapture() {}, getContext: () => pen,
  querySelector(name) { return this.parts[name] ||= element(); } });
const { data, script } = JSON.parse(text), boxes = data.kinds.map(element);
parts.data = { textContent: JSON.stringify(data) };
globalThis.document = { documentElement: {}, getElementById: (id) => parts[id] ||= element(),
  querySelectorAll: (q) => q === "img.sheet" ? [{ complete: true, addEventListener() {} }] : boxes };
globalThis.window = { devicePixelRatio: 2, matchMedia: element };
globalThis.getComputedStyle = () => ({ getPropertyValue: () => "#000" });
globalThis.requestAnimationFrame = (act) => frames.push(act);
globalThis.ResizeObserver = class { constructor(act) { this.act = act; } observe() { this.act(); } };
const tell = "; globalThis.now = () => ({ zoom, midX, current, shown: [...shown], " +
  "x: spots.map((s) => atX(s.x)), y: spots.map((s) => atY(s.y)) });";
eval(script + tell);
const plane = parts.plane, log = [];
const act = (name, event) => { plane.on[name]({ preventDefault() {}, pointerId: 1, deltaMode: 0, ...event });
  while (frames.length) frames.shift()(); };
const key = (name) => act("keydown", { key: name });
while (frames.length) frames.shift()();
const note = (name) => log.push([name, { ...now(), id: parts.card.querySelector(".id").textContent,
  hidden: parts.card.hidden, told: parts.told.textContent, drawn: drawn.splice(0).length }]);
note("start");
act("pointermove", { offsetX: now().x[1], offsetY: now().y[1] }); note("hover");
act("wheel", { deltaY: -240, offsetX: now().x[1], offsetY: now().y[1] }); note("wheel");
key("n"); note("next"); key("p"); note("previous"); key("0"); note("whole"); key("+"); note("plus");
key("0"); key("ArrowLeft"); note("left"); key("Escape"); note("escape");
boxes[0].checked = false; boxes[0].on.change(); key("n"); note("hide"); key("n"); key("n"); note("skip");
parts.none.on.click(); key("n"); note("none"); parts.all.on.click(); key("n"); note("all");
act("pointerdown", { offsetX: 0, offsetY: 0 }); key("0"); act("pointermove", { offsetX: 100, offsetY: 0 });
act("pointerup", { offsetX: 100, offsetY: 0 }); note("drag");
console.log(JSON.stringify(Object.fromEntries(log)));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="the script is run by node")
def test_the_script_zooms_pans_shows_and_hides() -> None:
    places = [(-1.0, -0.5), (0.5, 0.25), (1.0, 1.0), (0.0, 0.0)]
    spots = [Spot(f"{i}.png", "ba"[i % 2], x, y, encoded((9, 9, 9))) for i, (x, y) in enumerate(places)]
    page = Reader(write_map(Chart("t", [], "label", spots)))
    asked = json.dumps({"data": page.data, "script": SCRIPT.replace('"use strict";', "")})
    done = subprocess.run(["node", "-e", STAGE], input=asked, capture_output=True, text=True)
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
    assert (log["next"]["current"], log["next"]["told"]) == (2, "2.png, b")
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


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("map")
    (place / "scans").mkdir()
    for i in range(9):
        levels = np.random.default_rng(i).integers(0, 256, (12, 16), dtype=np.uint8)
        Image.fromarray(levels).resize((64, 48)).save(place / "scans" / f"{i}.png")
    lines = [f"{i}.png,{'a;b' if i % 2 else 'c'},{i % 3}" for i in range(8)]
    (place / "labels.csv").write_text("\n".join(["path,label,site", *lines, ""]))
    arguments = ("index", place / "scans", "-o", place / "i", "--by", "thumbnail", "--jobs", 1)
    assert run(*arguments, "--labels", place / "labels.csv") == 0
    return place / "i"


@pytest.mark.parametrize("method", ["pca", "kernel-pca", "tsne"])
def test_every_method_draws_every_picture(
    index: Path, tmp_path: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    out = tmp_path / "map.html"
    assert run("map", index, "--by", "thumbnail", "--method", method, "-o", out) == 0
    assert capsys.readouterr().out == f"{out}: 9 pictures by {method} of thumbnail\n"
    page = Reader(out.read_text("utf-8"))
    assert [spot["id"] for spot in page.data["spots"]] == [f"{i}.png" for i in range(9)]
    assert [kind["name"] for kind in page.data["kinds"]] == ["a;b", "c", "none"]
    places = np.array([(spot["x"], spot["y"]) for spot in page.data["spots"]])
    assert np.abs(places).max() == pytest.approx(1)
    assert "recipe of thumbnail" in page.texts["dt"]


def test_where_there_are_many_a_sample_is_drawn_and_said(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = []
    for seed in (0, 0, 1):
        out = tmp_path / "map.html"
        run("map", index, "--by", "thumbnail", "--method", "pca", "-o", out, "--limit", 4, "--seed", seed)
        page = Reader(out.read_text("utf-8"))
        assert any("4 of 9 pictures, drawn by lot" in text for text in page.texts["p"])
        assert "4 of 9 pictures are drawn by lot" in capsys.readouterr().err
        drawn.append([spot["id"] for spot in page.data["spots"]])
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 4


def test_a_condition_and_another_column_are_taken(index: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.html"
    options = ("--where", "label = 'c'", "--colour-by", "site", "--method", "pca")
    assert run("map", index, "--by", "thumbnail", "-o", out, *options) == 0
    page = Reader(out.read_text("utf-8"))
    assert [spot["id"] for spot in page.data["spots"]] == ["0.png", "2.png", "4.png", "6.png"]
    assert sorted(kind["name"] for kind in page.data["kinds"]) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--by", "sift"], "no representation 'sift'"),
        (["--by", "thumbnail", "--colour-by", "sex"], "no picture has a column 'sex'"),
        (["--by", "thumbnail", "--where", "label = 'none'"], "0 pictures make no map"),
        (["--by", "thumbnail", "--where", "label"], "where: the end"),
        (["--by", "thumbnail", "--limit", "0"], "no whole number above 0"),
        (["--by", "thumbnail", "--method", "umap"], "invalid choice: 'umap'"),
        (["--by", "thumbnail", "--seed", "-1"], "--seed: -1 is below 0"),
    ],
)
def test_what_is_refused_is_said_in_one_line_and_writes_nothing(
    index: Path, tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("map", index, *arguments, "-o", tmp_path / "map.html") == 2
    told = capsys.readouterr()
    assert message in told.err
    assert len(told.err.splitlines()) == 1
    assert not (tmp_path / "map.html").exists()


def test_a_place_that_cannot_be_written_is_named(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "nowhere" / "map.html"
    assert run("map", index, "--by", "thumbnail", "--method", "pca", "-o", out) == 1
    assert f"{out}: cannot be written" in capsys.readouterr().err
