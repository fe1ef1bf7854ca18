"""The walk of a graph against a plain one, and the checks of what it finds."""

from __future__ import annotations

import numpy as np
import pytest

from retrieval.errors import IndexFolderError
from retrieval.rankers.array_files import load_arrays, save_arrays
from retrieval.rankers.block_sums import BLOCK, write_sums
from retrieval.rankers.byte_codes import CodeArrays, encode
from retrieval.rankers.graph import LINKS, Graph
from retrieval.rankers.graph_walk import walk

N, D = 600, 20


def random_graph(seed: int) -> Graph:
    """Return links drawn at random, some of them missing, with two layers above the lowest."""
    rng = np.random.default_rng(seed)
    links = rng.integers(0, N, (N, 2 * LINKS)).astype(np.int32)
    links[np.arange(2 * LINKS) >= rng.integers(0, 2 * LINKS, (N, 1))] = -1
    tall = np.sort(rng.choice(N, 60, replace=False))
    first = np.full(N, -1, np.int32)
    first[tall] = 2 * np.arange(60)
    upper = rng.choice(tall, (120, LINKS)).astype(np.int32)
    upper[rng.random((120, LINKS)).argsort(axis=1) > 9] = -1
    upper = np.take_along_axis(upper, np.argsort(upper < 0, axis=1, kind="stable"), axis=1)
    return Graph(links, upper, first, np.array([tall[0], 2]))


def plain_walk(graph: Graph, codes: CodeArrays, query: np.ndarray, breadth: int) -> list[int]:
    """Walk by the paper's algorithms 5 and 2, over sorted lists; of equal scores the lower row is first."""
    finest = min(2**15 - 1, (2**31 - 1) // (127 * D))
    values = np.rint(query * np.float32(finest / np.float32(abs(query).max()))).astype(np.int64)
    scores = (codes.codes.astype(np.int64) @ values).astype(np.float32) * codes.scales
    row = int(graph.entry[0])
    for layer in (1, 0):
        while True:
            near = [int(link) for link in graph.upper[graph.first[row] + layer] if link >= 0]
            best = max([row, *near], key=lambda one: scores[one])
            if scores[best] <= scores[row]:
                break
            row = best
    nearest, seen, looked = [row], {row}, set()
    while left := [one for one in nearest if one not in looked][:2]:  # the neighbours of two at a time
        looked |= {*left}
        for link in graph.links[left].ravel().tolist():
            if link >= 0 and link not in seen:
                seen.add(link)
                nearest = sorted([*nearest, link], key=lambda one: (-scores[one], one))[:breadth]
    return nearest


@pytest.mark.parametrize("breadth", [1, 2, 10, 64, 700])
def test_it_goes_as_a_plain_walk_does(breadth):
    rng = np.random.default_rng(breadth)
    vectors = rng.standard_normal((N, D)).astype(np.float32)
    vectors[100:150] = vectors[100]  # equal scores
    codes, graph = encode(vectors), random_graph(breadth)
    # One of the queries is near what many rows are; to the last ones all that is found scores below zero.
    for query in (*rng.standard_normal((4, D)).astype(np.float32), vectors[100], -vectors.mean(axis=0)):
        assert walk(graph, codes, query, breadth).tolist() == plain_walk(graph, codes, query, breadth)


def test_scores_below_zero_and_of_zero_are_in_order():
    rows = np.array([[-1.0], [1], [0], [-1], [0]], np.float32)
    links = np.full((5, 2 * LINKS), -1, np.int32)
    links[:, :5] = np.arange(5)
    alone = Graph(links, np.empty((0, LINKS), np.int32), np.full(5, -1, np.int32), np.zeros(2, np.int64))
    assert walk(alone, encode(rows), np.ones(1, np.float32), 5).tolist() == [1, 2, 4, 0, 3]
    assert walk(alone, encode(rows), np.zeros(1, np.float32), 3).tolist() == [0, 1, 2]


def test_some_rows_are_checked_before_they_are_read(tmp_path):
    width = 48_000  # rows that are in one block, in two, and at the end of one
    save_arrays(tmp_path, {"rows": np.arange(12 * width, dtype=np.uint8).reshape(12, width)})
    write_sums(tmp_path)
    path = tmp_path / "rows.npy"
    data = bytearray(path.read_bytes())
    data[3 * BLOCK + 5] ^= 1
    path.write_bytes(data)
    check = load_arrays(tmp_path, unchecked=("rows",)).checks["rows"]
    start = len(data) - 12 * width
    damaged = {(3 * BLOCK - start) // width, (4 * BLOCK - 1 - start) // width}
    sound = np.array([row for row in range(12) if row not in range(min(damaged), max(damaged) + 1)])
    for _ in range(2):
        check.some(sound)
        for row in sorted(damaged):
            with pytest.raises(IndexFolderError, match="damaged"):
                check.some(np.array([0, row]))
