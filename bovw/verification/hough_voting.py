"""Voting: which similarity transforms many tentative matches of two images propose (Hough; Lowe 2004).

Each match proposes a scale (of its two frames), a turn, and where the centre of the query then falls. Votes
are shared among the two nearest bins of each, so that no border splits a peak. A bin of places is a quarter
of the query's extent wide, at the scale of the bin: an error of 14° or of a quarter in scale moves the centre
by that much.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.kernel import kernel

from .matching import Matches
from .similarity_transform import transform, turn

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLOTS = 1 << 16
"""Slots of the table of votes; at most half are ever taken."""
N_PEAKS = 5
"""Hypotheses that are fitted for each candidate."""
SCALE_BIN = 0.5
"""In logarithms."""
N_TURNS = 12
PLACE_BIN = 0.25
"""In extents of the query."""


class QueryPose(NamedTuple):
    """Where the query's points are: what places are binned by.

    Parameters
    ----------
    centre : float64 (2,), the mean (row, col) of the points.
    extent : the diameter of what they cover, in pixels.
    is_upright : no frame is turned, here or in the candidates; then turns are not voted for.
    """

    centre: Floats
    extent: float
    is_upright: bool


class VoteTable(NamedTuple):
    """A hash table of bins with open addressing, free between candidates.

    Parameters
    ----------
    keys : int64 (SLOTS,), the bin of each slot; −1 if it is free.
    votes : float64 (SLOTS,), 0 if the slot is free.
    taken : int64 (SLOTS,), the slots that are not free, in the order in which they were taken.
    """

    keys: Ints
    votes: Floats
    taken: Ints


@kernel()
def empty_table() -> VoteTable:
    """Make a table without votes."""
    return VoteTable(np.full(SLOTS, -1, np.int64), np.zeros(SLOTS), np.empty(SLOTS, np.int64))


@kernel()
def propose(query: Floats, candidate: Floats, matches: Matches, centre: Floats, out: Floats) -> None:
    """Set what each of n matches proposes, ``out`` (≥ n, 4): log-scale, turn, row and col of the centre.

    ``query`` and ``candidate`` are frames, as in ``Points.places``.
    """
    for i in range(len(matches.ours)):
        q, c = query[matches.ours[i]], candidate[matches.theirs[i]]
        log_scale, angle = c[2] - q[2], turn(c[3] - q[3])
        a, b = np.exp(log_scale) * np.cos(angle), np.exp(log_scale) * np.sin(angle)
        # The shift is expressed by where the centre goes, not the origin: an error in turn or scale moves a
        # point the more the farther it is from what turns, and the centre is near all of the points.
        row, col = centre[0] - q[0], centre[1] - q[1]
        out[i, 0], out[i, 1] = log_scale, angle
        out[i, 2], out[i, 3] = c[0] + a * row + b * col, c[1] - b * row + a * col


@kernel()
def vote(proposals: Floats, weights: Floats, pose: QueryPose, table: VoteTable) -> int:
    """Share the votes of n proposals (≥ n, 4) out; return how many slots are taken.

    ``weights`` is float64 (n,); the table is free at first.
    """
    n_taken = 0
    mask = _room(len(weights)) - 1
    n_turns = 1 if pose.is_upright else 2
    for i in range(len(weights)):
        scale, turned = proposals[i, 0] / SCALE_BIN, proposals[i, 1] * N_TURNS / (2 * np.pi)
        for s in range(2):
            scale_bin = np.floor(scale) + s
            scale_share = 1 - abs(scale - scale_bin)
            # Bins of places grow with the scale, as does the error that a wrong scale makes.
            width = PLACE_BIN * pose.extent * np.exp(scale_bin * SCALE_BIN)
            row, col = proposals[i, 2] / width, proposals[i, 3] / width
            top, left = np.floor(row), np.floor(col)
            # What does not fit into the digits of a key is no sound proposal.
            if not (abs(scale_bin) < 31 and abs(top + 0.5) < 2046 and abs(left + 0.5) < 2046):
                continue
            for t in range(n_turns):
                turn_bin = np.floor(turned) + t
                share = scale_share if pose.is_upright else scale_share * (1 - abs(turned - turn_bin))
                first = _key(scale_bin, turn_bin, top, left)
                for place in range(4):
                    down, right = place // 2, place % 2
                    value = weights[i] * share * (1 - abs(row - top - down)) * (1 - abs(col - left - right))
                    if value > 0:
                        n_taken = _add_vote(table, first + 4096 * down + right, value, mask, n_taken)
    return n_taken


@kernel()
def _add_vote(table: VoteTable, key: int, value: float, mask: int, n_taken: int) -> int:
    """Add to the votes of a bin, in a slot of its own; return how many slots are taken then."""
    # Multiplicative hashing (Knuth, TAOCP 6.4) by 2^60 / φ; neighbouring bins get slots far apart.
    slot = ((key * 0x9E3779B97F4A7C1) >> 20) & mask
    while table.keys[slot] != key:
        if table.keys[slot] < 0:
            table.keys[slot] = key
            table.taken[n_taken] = slot
            n_taken += 1
            break
        slot = (slot + 1) & mask
    table.votes[slot] += value
    return n_taken


@kernel()
def _room(n: int) -> int:
    """Return how many slots n matches vote in, a power of 2: twice as many as they can take.

    A match takes at most 16 slots. Few matches keep to the first slots, which stay in the processor's cache.
    """
    room = 256
    while room < min(32 * n, SLOTS):
        room *= 2
    return room


@kernel()
def _key(scale_bin: float, turn_bin: float, row_bin: float, col_bin: float) -> int:
    """Return one number for a bin: its scale, turn, row and column as the digits, the column last."""
    scaled = (int(scale_bin) + 32) * N_TURNS + int(turn_bin) % N_TURNS
    return (scaled * 4096 + int(row_bin) + 2048) * 4096 + int(col_bin) + 2048


@kernel()
def peaks(table: VoteTable, n_taken: int, best: Ints) -> int:
    """List the keys of the bins with most votes in ``best`` (N_PEAKS,), equal ones by key; return how many.

    The table is free afterwards.
    """
    heights = np.zeros(len(best))
    n = 0
    for k in range(n_taken):
        slot = table.taken[k]
        key, value = table.keys[slot], table.votes[slot]
        table.keys[slot], table.votes[slot] = -1, 0.0
        if n == len(best) and (value, -key) < (heights[n - 1], -best[n - 1]):
            continue
        # Insertion into a list of five: cheaper than a heap, and equal heights are ordered by their keys.
        at = min(n, len(best) - 1)
        n = min(n + 1, len(best))
        while at > 0 and (value, -key) > (heights[at - 1], -best[at - 1]):
            heights[at], best[at] = heights[at - 1], best[at - 1]
            at -= 1
        heights[at], best[at] = value, key
    return n


@kernel()
def hypothesis(key: int, proposals: Floats, weights: Floats, pose: QueryPose, fit: Floats) -> None:
    """Set the transform that the voters of a bin propose on average, weighted by their votes for it.

    The mean is nearer to the truth than the middle of the bin, so that the fit starts from a better place.
    """
    # The digits of ``_key``, from the last.
    col_bin, rest = key % 4096 - 2048, key // 4096
    row_bin, rest = rest % 4096 - 2048, rest // 4096
    turn_bin, scale_bin = rest % N_TURNS, rest // N_TURNS - 32
    width = PLACE_BIN * pose.extent * np.exp(scale_bin * SCALE_BIN)
    middle = turn(turn_bin * 2 * np.pi / N_TURNS)
    total = log_scale = angle = row = col = 0.0
    for i in range(len(weights)):
        off_scale = abs(proposals[i, 0] / SCALE_BIN - scale_bin)
        off_turn = turn(proposals[i, 1] - middle)  # angles are averaged about the middle, not about 0
        off_row = abs(proposals[i, 2] / width - row_bin)
        off_col = abs(proposals[i, 3] / width - col_bin)
        turned = 0.0 if pose.is_upright else abs(off_turn) * N_TURNS / (2 * np.pi)
        if off_scale < 1 and turned < 1 and off_row < 1 and off_col < 1:
            w = weights[i] * (1 - off_scale) * (1 - turned) * (1 - off_row) * (1 - off_col)
            total += w
            log_scale, angle = log_scale + w * proposals[i, 0], angle + w * off_turn
            row, col = row + w * proposals[i, 2], col + w * proposals[i, 3]
    total = max(total, 1e-300)
    transform(log_scale / total, middle + angle / total, pose.centre, row / total, col / total, fit)
