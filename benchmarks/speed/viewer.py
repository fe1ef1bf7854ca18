"""Time the page in a real browser on a real server: first image, windows, slices, answers.

    python -m benchmarks.speed.viewer INDEX [--repeats 40] [--users 4]

INDEX is any index with a stack of at least 30 slices; ``benchmarks.speed.page_server`` makes a large one of
plain images, and times the server alone. All is timed inside the page, by its own clock:

first image     from the click on a series to the first drawing of its pixels
window          one drawing after a change of window, at 512² and 1024² on screen; and its ratio to a loop
                through the same table over as many pixels (the least that any page must do)
slices          steps through a stack whose pixels have been fetched, drawn, in a second
region          from the end of a mark to hits with boxes, one user, and several at once
JavaScript      as it is sent, what a browser has fetched by then, and all: the rest comes when it is wanted
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.shared.browser import FLAGS, chromium
from benchmarks.speed.page_server import Server
from viewer.server.routes.page import FOLDER, bare

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# From the click on the first series to the first drawing of its pixels, ms.
_FIRST = """async () => {
  const { view } = await import('/static/page/js/look.js');
  const start = performance.now();
  document.querySelector('#list button').click();
  while (!view.pixels || view.pending) await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""

# Seconds of one drawing at a width on screen, and of a bare loop through the same table, ms each.
_WINDOW = """async ([width, repeats]) => {
  const { view } = await import('/static/page/js/look.js');
  const stage = document.getElementById('stage');
  Object.assign(stage.style, { width: `${width}px`, height: `${width}px`, flex: 'none' });
  await new Promise((done) => setTimeout(done, 200));
  // As many pixels on screen as the stage has: an image of that size.
  const cols = width, rows = width, about = { ...view.pixels.about, cols, rows };
  const data = Int16Array.from({ length: cols * rows }, (_, i) => (i * 37) % 3000 - 1000);
  view.show({ about, data }, { low: -1000, high: 500 }, false);
  view.fit();
  const drawn = [], bare = [], table = new Uint32Array(65536), out = new Uint32Array(cols * rows);
  const values = new Uint16Array(data.buffer);
  for (let i = 0; i < repeats; i++) {
    view.window = { low: -1000 + i, high: 500 - i };
    let start = performance.now();
    view.draw();
    view.context.getImageData(0, 0, 1, 1);  // waits until it is drawn
    drawn.push(performance.now() - start);
    start = performance.now();
    for (let at = 0; at < values.length; at++) out[at] = table[values[at]];
    bare.push(performance.now() - start);
  }
  stage.removeAttribute('style');
  return { drawn, bare };
}"""

# Steps through the stack, each drawn before the next, in a second.
_SLICES = """async (steps) => {
  const { view, scroll, slices, goTo } = await import('/static/page/js/look.js');
  const { loadPixels, imagePath } = await import('/static/page/js/pixels.js');
  const { state } = await import('/static/page/js/state.js');
  const n = Math.min(steps, slices().length - 1);
  goTo(0);
  const paths = slices().slice(0, n + 1).map((slice) => imagePath(slice.image.key));
  await Promise.all(paths.map(loadPixels));
  const start = performance.now();
  for (let i = 0; i < n; i++) {
    const before = view.pixels;
    scroll(1);
    while (view.pixels === before || view.pending) await new Promise(requestAnimationFrame);
  }
  return n / (performance.now() - start) * 1000;
}"""

# From the end of a mark to hits, ms; boxes are of an image of 512 × 512, and scaled to the one that is open.
_REGION = """async (of512) => {
  const { view } = await import('/static/page/js/look.js');
  const box = of512.map((n) => Math.round((n * view.size.cols) / 512));
  const { update } = await import('/static/page/js/state.js');
  const { current } = await import('/static/page/js/answer.js');
  const before = current.answer;
  const notes = document.getElementById('answer-notes');
  notes.replaceChildren();
  const start = performance.now();
  // A region without structure has no hit: a sentence says so.
  const isThere = () => current.answer !== before || notes.querySelector('.warn');
  await new Promise((done) => {
    const seen = new MutationObserver(() => isThere() && (seen.disconnect(), done()));
    seen.observe(document.getElementById('answer'), { childList: true, subtree: true });
    update({ region: { box } }, true);
  });
  return [performance.now() - start, current.hits.filter((hit) => hit.box).length];
}"""


# Bytes of the scripts that came so far, without comments, and as they travelled.
_FETCHED = """() => {
  const scripts = performance.getEntriesByType('resource').filter((one) => one.name.endsWith('.js'));
  const total = (kind) => scripts.reduce((sum, one) => sum + one[kind], 0);
  return [total('decodedBodySize'), total('encodedBodySize')];
}"""
SCRIPTS = FOLDER / "page" / "js"


def opened(browser: Browser, address: str) -> tuple[Page, float]:
    """Open the page and its first series; return it, and the milliseconds to the first image."""
    page = browser.new_page(viewport={"width": 1920, "height": 1200})
    page.goto(address)
    page.wait_for_selector("#list button")
    return page, page.evaluate(_FIRST)


def boxes(repeats: int, seed: int) -> list[list[int]]:
    """Return boxes of 40 to 120 pixels of 512, in the middle three quarters."""
    draws = np.random.default_rng(seed)
    sizes = draws.integers(40, 120, (repeats, 2))
    corners = draws.integers(80, 300, (repeats, 2))
    return np.hstack([corners, sizes]).tolist()


def p95(values: list[float]) -> float:
    """Return the 95th percentile."""
    return float(np.percentile(values, 95))


def main() -> None:
    """Print the table."""
    from playwright.sync_api import sync_playwright

    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("index", type=Path)
    flags.add_argument("--repeats", type=int, default=40)
    flags.add_argument("--users", type=int, default=4)
    asked = flags.parse_args()
    with closing(Server(asked.index)) as server, sync_playwright() as playwright:
        start, address = time.perf_counter() - server.started, server.address
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page, first = opened(browser, address)
        rows = {"address printed after the start, s": f"{start:.2f}", "first image, ms": f"{first:.0f}"}
        for width in (512, 1024):
            found = page.evaluate(_WINDOW, [width, asked.repeats])
            ratio = np.median(found["drawn"]) / max(np.median(found["bare"]), 1e-3)
            rows[f"window at {width}², p95 ms"] = f"{p95(found['drawn']):.1f} ({ratio:.1f} × a bare loop)"
        rows["slices a second"] = f"{page.evaluate(_SLICES, 60):.0f}"
        answers = [page.evaluate(_REGION, box) for box in boxes(asked.repeats, 0)]
        rows["region to hits, p95 ms"] = f"{p95([ms for ms, _ in answers]):.0f}"
        fetched = page.evaluate(_FETCHED)
        rows["hits with a box, of 20"] = f"{np.mean([n for _, n in answers]):.1f}"
        rows[f"the same, {asked.users} users at once, p95 ms"] = f"{at_once(browser, address, asked):.0f}"
        browser.close()
    everything = sum(len(bare(file.read_text()).encode()) for file in SCRIPTS.glob("*.js"))
    sizes = (*fetched, everything)
    rows["JavaScript, kB"] = "{:.0f} until an answer, {:.0f} packed; {:.0f} in all".format(
        *(size / 1000 for size in sizes)
    )
    print("| what | figure |\n|---|---|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")


def at_once(browser: Browser, address: str, asked: argparse.Namespace) -> float:
    """Return the p95 of regions that several pages ask at the same time, each its own, ms."""
    pages = [opened(browser, address)[0] for _ in range(asked.users)]
    for user, page in enumerate(pages):
        questions = json.dumps(boxes(asked.repeats // 4, user + 1))
        page.evaluate(
            f"() => {{ window.times = (async () => {{ const all = []; "
            f"for (const box of {questions}) all.push((await ({_REGION})(box))[0]); return all; }})(); }}"
        )
    return p95([ms for page in pages for ms in page.evaluate("() => window.times")])


if __name__ == "__main__":
    main()
