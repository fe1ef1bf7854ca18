"""Voting: which similarity transforms many tentative matches of two pictures propose (Hough; Lowe 2004).

Each match proposes a scale (of its two frames), a turn, and where the centre of the query then lands. Votes
are shared among the two nearest bins of each, so that no border splits a peak. A bin of places is a quarter
of the query's extent wide, at the scale of the bin: an error of 14° or of a quarter in scale moves the centre
by that much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .similarity_transform import transform, turn

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLOTS = 1 << 16
"""Places of the table of votes; at most half are ever taken."""
N_PEAKS = 5
SCALE_BIN = 0.5
"""In logarithms."""
N_TURNS = 12
PLACE_BIN = 0.25


@kernel()
def propose(
    query: Floats, theirs_places: Floats, ours: Ints, theirs: Ints, n: int, centre: Floats, out: Floats
) -> None:
    """Set what each of n matches proposes, ``out`` (≥ n, 4): log-scale, turn, row and col of the centre."""
    for i in range(n):
        q, c = query[ours[i]], theirs_places[theirs[i]]
        log_scale, angle = c[2] - q[2], turn(c[3] - q[3])
        a, b = np.exp(log_scale) * np.cos(angle), np.exp(log_scale) * np.sin(angle)
        row, col = centre[0] - q[0], centre[1] - q[1]
        out[i, 0], out[i, 1] = log_scale, angle
        out[i, 2], out[i, 3] = c[0] + a * row + b * col, c[1] - b * row + a * col


@kernel()
def vote(
    proposals: Floats,
    weights: Floats,
    n: int,
    extent: float,
    is_upright: bool,
    keys: Ints,
    votes: Floats,
    taken: Ints,
) -> int:
    """Share the votes of n proposals out; return how many slots are taken, listed in ``taken``.

    ``keys`` and ``votes`` are (SLOTS,), −1 and 0 where a slot is free, as ``clear`` leaves them.
    """
    n_taken = 0
    mask = _room(n) - 1
    n_turns = 1 if is_upright else 2
    for i in range(n):
        scale, turned = proposals[i, 0] / SCALE_BIN, proposals[i, 1] * N_TURNS / (2 * np.pi)
        for s in range(2):
            scale_bin = np.floor(scale) + s
            scale_share = 1 - abs(scale - scale_bin)
            width = PLACE_BIN * extent * np.exp(scale_bin * SCALE_BIN)
            row, col = proposals[i, 2] / width, proposals[i, 3] / width
            top, left = np.floor(row), np.floor(col)
            if not (abs(scale_bin) < 31 and abs(top + 0.5) < 2046 and abs(left + 0.5) < 2046):
                continue
            for t in range(n_turns):
                turn_bin = np.floor(turned) + t
                share = scale_share if is_upright else scale_share * (1 - abs(turned - turn_bin))
                first = _key(scale_bin, turn_bin, top, left)
                for place in range(4):
                    down, right = place // 2, place % 2
                    value = weights[i] * share * (1 - abs(row - top - down)) * (1 - abs(col - left - right))
                    if value > 0:
                        key = first + 4096 * down + right
                        slot = ((key * 0x9E3779B97F4A7C1) >> 20) & mask
                        while keys[slot] != key:
                            if keys[slot] < 0:
                                keys[slot] = key
                                taken[n_taken] = slot
                                n_taken += 1
                                break
                            slot = (slot + 1) & mask
                        votes[slot] += value
    return n_taken


@kernel()
def _room(n: int) -> int:
    """Return how many slots n matches vote in, a power of 2: twice as many as they can take, and near."""
    room = 256
    while room < min(32 * n, SLOTS):
        room *= 2
    return room


@kernel()
def _key(scale_bin: float, turn_bin: float, row_bin: float, col_bin: float) -> int:
    scaled = (int(scale_bin) + 32) * N_TURNS + int(turn_bin) % N_TURNS
    return (scaled * 4096 + int(row_bin) + 2048) * 4096 + int(col_bin) + 2048


@kernel()
def peaks(keys: Ints, votes: Floats, taken: Ints, n_taken: int, best: Ints) -> int:
    """List the keys of the bins with most votes in ``best`` (N_PEAKS,), equal ones by key; return how many.

    The table is free afterwards.
    """
    heights = np.zeros(len(best))
    n = 0
    for k in range(n_taken):
        key, value = keys[taken[k]], votes[taken[k]]
        keys[taken[k]], votes[taken[k]] = -1, 0.0
        if n == len(best) and (value, -key) < (heights[n - 1], -best[n - 1]):
            continue
        at = min(n, len(best) - 1)
        n = min(n + 1, len(best))
        while at > 0 and (value, -key) > (heights[at - 1], -best[at - 1]):
            heights[at], best[at] = heights[at - 1], best[at - 1]
            at -= 1
        heights[at], best[at] = value, key
    return n


@kernel()
def hypothesis(
    key: int,
    proposals: Floats,
    weights: Floats,
    n: int,
    extent: float,
    is_upright: bool,
    centre: Floats,
    fit: Floats,
) -> None:
    """Set the transform that the voters of a bin propose on average."""
    col_bin, rest = key % 4096 - 2048, key // 4096
    row_bin, rest = rest % 4096 - 2048, rest // 4096
    turn_bin, scale_bin = rest % N_TURNS, rest // N_TURNS - 32
    width = PLACE_BIN * extent * np.exp(scale_bin * SCALE_BIN)
    middle = turn(turn_bin * 2 * np.pi / N_TURNS)
    total = log_scale = angle = row = col = 0.0
    for i in range(n):
        off_scale = abs(proposals[i, 0] / SCALE_BIN - scale_bin)
        off_turn = turn(proposals[i, 1] - middle)
        off_row = abs(proposals[i, 2] / width - row_bin)
        off_col = abs(proposals[i, 3] / width - col_bin)
        turned = 0.0 if is_upright else abs(off_turn) * N_TURNS / (2 * np.pi)
        if off_scale < 1 and turned < 1 and off_row < 1 and off_col < 1:
            w = weights[i] * (1 - off_scale) * (1 - turned) * (1 - off_row) * (1 - off_col)
            total += w
            log_scale, angle = log_scale + w * proposals[i, 0], angle + w * off_turn
            row, col = row + w * proposals[i, 2], col + w * proposals[i, 3]
    total = max(total, 1e-300)
    transform(log_scale / total, middle + angle / total, centre, row / total, col / total, fit)
