"""Time what the page waits for: the start of the server, first answer, images, regions, many users.

    python -m benchmarks.speed.page_server [--images 100000] [--index build/page.index] [--deep]
        [--rounds 40] [--users 4]

The index is made of crops and turns of images of the labelled sets, 128 pixels a side, and kept for the
next run. Everything is asked of ``semblance serve`` in a process of its own, as a browser does, by GraphQL
and GET.
A region is a box of a third of the side; images are asked in turn, none twice.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import psutil

from benchmarks.shared.labelled_sets import DATA, Set

SETS = ("modality6", "ultrasound3", "wbc5", "histology5")
SIDE, REGION = 128, 43
_START = "import sys; from cli.main import main; sys.exit(main())"
_SEARCH = """query($ask: Ask!) { search(index: "%s", ask: $ask) { ... on Problem { message } ... on Answer {
  tookMs nVerified hits { rank score box inliers transform image { id key labels } votes { by } } } } }"""
BROWSE = {
    "list, 60 images": '{ images(index: "%s", first: 60) { __typename ... on ImagePage { items { id } } } }',
    "list, by a condition": """{ images(index: "%s", first: 60, where: "rows = 128 and id != 'x'") {
  ... on ImagePage { total items { id } } } }""",
    "columns, values and counts": '{ columns(index: "%s") { ... on ColumnList { columns { name } } } }',
    "indexes, labels and counts": "{ indexes { id images labels { value count } } } # %s",
    "map": '{ map(index: "%s", by: "superpixel") { ... on Map { places { id } } } }',
}
"""What the page asks besides."""
WANTED = {
    "first answer by words, since the start": 2000,
    "first image": 300,
    "region, words": 500,
    "region, words, users at once": 1000,
}
"""Milliseconds that the 95th percentile is to stay below, on 100,000 images."""


def write_images(folder: Path, n: int) -> None:
    """Write n crops and turns of images of the labelled sets, in sub-folders of 1,000."""
    random = np.random.default_rng(0)
    items = [item for name in SETS for item in Set.load(name).items]
    grey_of = cache(lambda place: items[place].read().grey)  # each is cut many times
    for number in range(n):
        path = folder / f"{number // 1000:03d}" / f"{number:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        grey = grey_of(number % len(items))
        rows, cols = grey.shape
        turn = cv2.getRotationMatrix2D(
            (random.uniform(0.3, 0.7) * cols, random.uniform(0.3, 0.7) * rows),
            random.uniform(-30, 30),
            random.uniform(0.8, 1.3) * SIDE / min(rows, cols) * 1.3,
        )
        # The middle of the turn becomes that of the crop.
        turn[:, 2] += SIDE / 2 - np.array(
            [turn[0] @ [cols / 2, rows / 2, 1], turn[1] @ [cols / 2, rows / 2, 1]]
        )
        crop = cv2.warpAffine(grey, turn, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
        cv2.imwrite(str(path), np.round(np.clip(crop, 0, 1) * 255).astype(np.uint8))


def make_index(place: Path, n: int, is_deep: bool) -> None:
    """Make the index of n images if it is not there."""
    if place.exists():
        return
    folder = place.with_name(f"{place.name}.images")
    write_images(folder, n)
    words = ["--by", "superpixel", "--points", "100", "--words", "2000"]
    order = ["index", folder, "-o", place, *words, *(["--by", "deep"] if is_deep else []), "--quiet"]
    subprocess.run([sys.executable, "-c", _START, *map(str, order)], check=True)


class Server:
    """``semblance serve`` in a process of its own, since ``started``, and a client of it."""

    def __init__(self, place: Path) -> None:
        self.started = time.perf_counter()
        words = [sys.executable, "-c", _START, "serve", str(place), "--port", "0", "--quiet"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[0]
        self.start_cpu = self.used()
        self.client = httpx.Client(base_url=self.address, timeout=300)
        self.index = self.state()["id"]

    def used(self) -> float:
        """Return the processor time that it has used, in ms: the same on a busy machine."""
        used = psutil.Process(self.process.pid).cpu_times()
        return 1000 * (used.user + used.system)

    def state(self) -> Any:
        """Return what is served and what is loading."""
        return self.client.get("/state").json()["indexes"][0]

    def ask(self, document: str, **variables: Any) -> Any:
        """Return the data that a GraphQL document gives."""
        answer = self.client.post("/graphql", json={"query": document, "variables": variables}).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def search(self, **ask: Any) -> Any:
        """Return an answer."""
        found = self.ask(_SEARCH % self.index, ask=ask)["search"]
        assert "hits" in found, found
        return found

    def images(self, n: int) -> list[dict[str, str]]:
        """Return ids and keys of n images, spread over the index."""
        document = 'query($after: String) { images(index: "%s", first: 1, after: $after) { ... on ImagePage {'
        document = document % self.index + " total items { id key } } } }"
        total = self.ask(document)["images"]["total"]
        places = [number * total // n for number in range(n)]
        afters = [f"{place // 1000:03d}/{place:06d}" for place in places]
        return [self.ask(document, after=after)["images"]["items"][0] for after in afters]

    def close(self) -> None:
        """End the server."""
        self.client.close()
        self.process.terminate()
        self.process.wait()


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def measure(server: Server, rounds: int, users: int, is_deep: bool) -> Iterator[tuple[str, Sequence[float]]]:
    """Yield what is measured, and its times in ms."""
    yield "processor time until the address is printed", [server.start_cpu]
    images = server.images(1)
    server.search(image=images[0]["id"], by=["superpixel"])
    yield "first answer by words, since the start", [1000 * (time.perf_counter() - server.started)]
    address = f"/images/{server.index}/{{}}/pixels"
    yield "first image", [milliseconds(lambda: server.client.get(address.format(images[0]["key"])))]
    while server.state()["loading"]:
        time.sleep(0.05)
    yield "all loaded, since the start", [1000 * (time.perf_counter() - server.started)]
    turn = itertools.cycle(server.images(4 * rounds))
    yield (
        "image",
        [milliseconds(lambda: server.client.get(address.format(next(turn)["key"]))) for _ in range(rounds)],
    )
    box = {"box": [(SIDE - REGION) / 2] * 2 + [REGION] * 2}

    def region(by: list[str]) -> float:
        image = next(turn)["id"]
        return milliseconds(lambda: server.search(image=image, by=by, region=box))

    whole = [
        milliseconds(lambda: server.search(image=next(turn)["id"], by=["superpixel"])) for _ in range(rounds)
    ]
    yield "whole image, words", whole
    before = server.used()
    yield "region, words", [region(["superpixel"]) for _ in range(rounds)]
    yield "region, words: processor time", [(server.used() - before) / rounds]
    if is_deep:
        yield "region, words and deep", [region(["superpixel", "deep"]) for _ in range(rounds)]
    before = server.used()
    with ThreadPoolExecutor(users) as pool:
        yield "region, words, users at once", list(pool.map(region, [["superpixel"]] * rounds))
    yield "region, words, users at once: processor time", [(server.used() - before) / rounds]
    for name, document in BROWSE.items():
        # The first one reads the column; all others find it.
        server.ask(document % server.index)
        yield name, [milliseconds(lambda one=document: server.ask(one % server.index)) for _ in range(5)]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--index", type=Path, default=Path("build/page.index"))
    parser.add_argument("--deep", action="store_true", help="index by deep as well")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--users", type=int, default=4)
    args = parser.parse_args()
    if not (DATA / "manifest.csv").is_file():
        raise SystemExit(f"{DATA}: the labelled sets are not there")
    args.index.parent.mkdir(parents=True, exist_ok=True)
    make_index(args.index, args.images, args.deep)
    server = Server(args.index)
    try:
        print(f"{server.state()['images']:,} images, {args.rounds} rounds, {args.users} users at once\n")
        print("| ms | median | 95 % | wanted |\n|---|--:|--:|--:|")
        for name, times in measure(server, args.rounds, args.users, args.deep):
            middle, late = np.quantile(times, [0.5, 0.95])
            print(f"| {name} | {middle:.0f} | {late:.0f} | {WANTED.get(name, '')} |", flush=True)
    finally:
        server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
