"""Make the figures of the documentation: ``python docs/make_figures.py [FOLDER]``.

FOLDER keeps what was made, so that a second run is quick; names of figures after it draw these alone.

Every figure comes out of a command of the product, run on the demo's images. Images are shown only of those
whose licence allows it (retina, cell culture, stained tissue: see docs/figures.md). Pages are photographed by
Chromium.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing, redirect_stdout
from pathlib import Path

from PIL import Image

from benchmarks.shared.browser import FLAGS, chromium
from cli.main import main

FIGURES = Path(__file__).resolve().parent / "figures"
MOST_BYTES = 150_000
WIDTH = 1000
SHOWN = "label in ('retina', 'cell culture', 'stained tissue')"
QUERIES = ("retina/r1c2.png", "cell/r2c2.png", "tissue/r1c1.png")


def semblance(*words: str) -> str:
    """Run a command, and return what it prints. Raise SystemExit if it fails."""
    said = io.StringIO()
    with redirect_stdout(said):
        code = main(words)
    if code:
        raise SystemExit(f"semblance {' '.join(words)}: exit code {code}")
    return said.getvalue()


def keep(image: Image.Image, name: str) -> None:
    """Write a figure as wide, and with as many colours, as the bytes allow."""
    image = image.convert("RGB")
    for width in (WIDTH, 850, 700, 600):
        width = min(width, image.width)
        small = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
        for colours in (256, 128, 64, 32):
            # By the colours there are, not by their number: a few circles on a large image keep theirs.
            few = small.quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
            few.save(FIGURES / name, optimize=True)
            if (FIGURES / name).stat().st_size < MOST_BYTES:
                return
    raise SystemExit(f"{name}: larger than {MOST_BYTES:,} bytes; make it smaller")


def photograph(page: Path, width: int, height: int) -> Image.Image:
    """Return what a browser shows of a page."""
    with tempfile.TemporaryDirectory() as profile:
        shot = Path(profile) / "shot.png"
        words = [chromium(), "--headless", "--hide-scrollbars", *FLAGS, f"--user-data-dir={profile}"]
        words += [f"--window-size={width},{height}", f"--screenshot={shot}"]
        subprocess.run([*words, page.resolve().as_uri()], check=True, capture_output=True, timeout=180)
        return Image.open(shot).convert("RGB")


def report() -> None:
    """The first query of the page of ``semblance demo``, which is one of stained tissue."""
    keep(photograph(Path("demo/report.html"), 1100, 1400).crop((0, 728, 1100, 1332)), "report.png")


def page() -> None:
    """The page of ``semblance serve``: a region of a retina, its hits and what was found among them."""
    from urllib.parse import urlencode

    from playwright.sync_api import sync_playwright

    from benchmarks.speed.page_server import Server

    asked = {"index": "my.index", "image": QUERIES[0], "region": '{"box": [130, 20, 90, 90]}', "where": SHOWN}
    shown = "[...document.querySelectorAll('.hit img')].slice(0, 4).every((one) => one.naturalWidth)"
    with closing(Server(Path("my.index"))) as server, sync_playwright() as playwright:
        # Before: the figure shows how long a question takes, and not what the first one loads.
        server.search(image=asked["image"], region=json.loads(asked["region"]), where=SHOWN, findings=True)
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        tab = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
        tab.goto(f"{server.address}#{urlencode(asked)}")
        tab.wait_for_selector(".findings")
        tab.wait_for_function(f"() => {shown} && document.querySelector('#area').textContent")
        tab.screenshot(path="page.png")
    keep(Image.open("page.png"), "page.png")


def sheet() -> None:
    """Three queries and their answers."""
    semblance("query", "my.index", *QUERIES, "-k", "5", "--exclude-self", "--sheet", "sheet.png")
    keep(Image.open("sheet.png"), "sheet.png")


def fusion() -> None:
    """A page whose hits say how each of two fused representations voted."""
    asked = [QUERIES[0], "-k", "4", "--exclude-self", "--where", "label = 'retina'", "--report", "fused.html"]
    semblance("query", "my.index", *asked, "--by", "superpixel", "--by", "deep")
    keep(photograph(Path("fused.html"), 1100, 900).crop((0, 150, 1100, 522)), "fusion.png")


def region() -> None:
    """A region and the boxes in which it was found."""
    box = ["--region", "130,20,90,90", "--exclude-self", "-k", "4"]
    semblance("query", "my.index", QUERIES[0], *box, "--sheet", "region.png")
    keep(Image.open("region.png"), "region.png")


def explanation() -> None:
    """What two images have in common."""
    semblance("explain", "my.index", QUERIES[0], "retina/r1c3.png", "--by", "superpixel", "-o", "why.png")
    keep(Image.open("why.png"), "explanation.png")


def points() -> None:
    """Interest points of three kinds."""
    semblance("points", f"demo/pictures/{QUERIES[0]}", "--points", "80", "-o", "points.png")
    keep(Image.open("points.png"), "points.png")


def embeddings() -> None:
    """A map of embeddings."""
    labels = ["--labels", "demo/pictures/labels.csv"]
    semblance("index", "demo/pictures", "-o", "deep.index", "--by", "deep", *labels)
    semblance("map", "deep.index", "--by", "deep", "--method", "tsne", "--where", SHOWN, "-o", "deep.html")
    keep(photograph(Path("deep.html"), 1000, 700), "embeddings.png")


def maps() -> None:
    """A map, and the same vectors by PCA with and without a learnt metric."""
    found = json.loads(semblance("info", "my.index", "--json"))["representations"]
    if "superpixel+nca" not in found:
        semblance("learn-metric", "my.index", "--by", "superpixel")
    shots = []
    for by, method in (("superpixel", "tsne"), ("superpixel", "pca"), ("superpixel+nca", "pca")):
        semblance("map", "my.index", "--by", by, "--method", method, "--where", SHOWN, "-o", "map.html")
        shots.append(photograph(Path("map.html"), 1000, 700))
    keep(shots[0], "map.png")
    pair = Image.new("RGB", (2000, 700))
    for place, shot in enumerate(shots[1:]):
        pair.paste(shot, (1000 * place, 0))
    keep(pair, "metric.png")


def evaluation() -> None:
    """Mean average precision with intervals."""
    import matplotlib.pyplot as plt

    printed = json.loads(semblance("evaluate", "my.index", "--by", "superpixel", "--by", "dense", "--json"))
    systems = {name: one["mAP"] for name, one in printed["systems"].items() if "+nca" not in name}
    values = [100 * one["mean"] for one in systems.values()]
    low = [100 * (one["mean"] - one["interval"][0]) for one in systems.values()]
    high = [100 * (one["interval"][1] - one["mean"]) for one in systems.values()]
    figure, axes = plt.subplots(figsize=(8, 3.2), dpi=125, layout="constrained")
    axes.barh(list(systems), values, xerr=[low, high], color="#4c78a8", ecolor="#222", capsize=3)
    axes.invert_yaxis()
    axes.set(xlim=(0, 100), xlabel="mean average precision, %, with 95 % intervals over patients")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig("evaluation.png")
    keep(Image.open("evaluation.png"), "evaluation.png")


ALL: tuple[Callable[[], None], ...] = (
    page,
    sheet,
    fusion,
    region,
    explanation,
    points,
    report,
    embeddings,
    maps,
    evaluation,
)

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    semblance("demo", "-o", "demo", "--quiet")
    labels = ["--labels", "demo/pictures/labels.csv"]
    semblance("index", "demo/pictures", "-o", "my.index", *labels)
    for made in ("demo/index", "my.index"):
        # Of a folder that was copied from another, every image would be there under two names.
        if len(json.loads(semblance("info", made, "--json"))["folders"]) > 1:
            raise SystemExit(f"{made}: holds the images of another folder, too; name a new FOLDER")
    for draw in (one for one in ALL if not sys.argv[2:] or one.__name__ in sys.argv[2:]):
        draw()
        print(draw.__name__, flush=True)
