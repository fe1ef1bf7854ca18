"""Time to verify the candidates of one query, made of random points."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from bovw.verification.geometric import verify
from bovw.verification.matching import Frames

CANDIDATES, POINTS, SIDE, REPEATS = 200, 400, 320, 5


def random_frames(rng: np.random.Generator, n_words: int, n_bits: int = 0) -> Frames:
    """Make the points of one image at random."""
    rows, cols = rng.uniform(0, SIDE, (2, POINTS))
    places = np.stack(
        [rows, cols, np.log(rng.uniform(3, 9, POINTS)), rng.uniform(0, 2 * np.pi, POINTS)], axis=1
    )
    words = rng.integers(0, n_words, POINTS)
    return Frames(words, places, n_bits, rng.integers(0, 2**64, POINTS, dtype=np.uint64))


def turned(query: Frames, turn: float, scale: float) -> Frames:
    """Turn and scale the points of a picture about its middle."""
    matrix = scale * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    places = query.places.copy()
    places[:, :2] = (places[:, :2] - SIDE / 2) @ matrix.T + SIDE / 2
    places[:, 2] += np.log(scale)
    places[:, 3] = (places[:, 3] + turn) % (2 * np.pi)
    return replace(query, places=places)


def seconds(n_words: int, n_bits: int) -> tuple[float, int]:
    """Return the time for the candidates of one query, and how many are verified."""
    rng = np.random.default_rng(0)
    query = random_frames(rng, n_words, n_bits)
    others = (random_frames(rng, n_words, n_bits) for _ in range(CANDIDATES - 1))
    parts = [turned(query, 0.4, 0.8), *others]
    names = ("words", "places", "signatures")
    words, places, bits = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    offsets, shapes = np.arange(CANDIDATES + 1) * POINTS, np.full((CANDIDATES, 2), SIDE)
    times = []
    for _ in range(REPEATS + 1):
        start = time.thread_time()
        found = verify(query, Frames(words, places, n_bits, bits), offsets, shapes, n_words)
        times.append(time.thread_time() - start)
    return min(times[1:]), int(found.are_verified.sum())


def print_speed() -> None:
    """Print the time for the candidates of one query."""
    print("| words | ms for 200 candidates of 400 points | verified | with 64 bits, ms | verified |")
    print("|---|---|---|---|---|")
    for n_words in (500, 1000, 2000, 4096, 16384):
        cells = [
            f"{1000 * s:.1f} | {n_verified}" for s, n_verified in (seconds(n_words, bits) for bits in (0, 64))
        ]
        print(f"| {n_words:,} | {' | '.join(cells)} |", flush=True)
