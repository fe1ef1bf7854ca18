"""Print what looking for overlaid text costs beside encoding by the default representations, in CPU time.

    python -m benchmarks.speed.text_cost [--rounds N]

Made images of several sizes, in turns, one core; the least of all rounds. The representations are timed by
``sample``, which finds and describes their points, as nothing is learnt here.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np

from bovw import WORDS
from retrieval.picture import Picture
from retrieval.readers.overlaid_text import sees_text
from retrieval.registry import make

SIZES = (256, 512, 1024, 2048)


def scene(side: int, is_colour: bool) -> Picture:
    """Return structures of all sizes, as an image of ``side`` pixels."""
    random = np.random.default_rng(side)
    shape = (side, side, 3) if is_colour else (side, side)
    values = sum(cv2.GaussianBlur(random.normal(size=shape), (0, 0), s) * s for s in (1, 4, 16, 48))
    low, high = np.percentile(values, (1, 99))
    return Picture(np.clip((values - low) / (high - low), 0, 1).astype(np.float32))


def cpu_ms(call: Callable[[], object]) -> float:
    """Return the CPU time of one call, milliseconds."""
    started = time.process_time()
    call()
    return 1000 * (time.process_time() - started)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    made = [make(name) for name in WORDS]
    print(f"| image | look for text, ms | {' + '.join(WORDS)}, ms | share |\n|---|--:|--:|--:|")
    for side in SIZES:
        for is_colour in (False, True):
            picture = scene(side, is_colour)
            calls: list[Callable[[], object]] = [lambda p=picture: sees_text(p)]
            calls.append(lambda p=picture: [one.sample(p) for one in made])
            times = [[cpu_ms(call) for call in calls] for _ in range(args.rounds + 1)][1:]
            look, encode = np.min(times, axis=0)
            kind = "colour" if is_colour else "grey"
            print(f"| {side}², {kind} | {look:.1f} | {encode:.0f} | {look / encode:.1%} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
