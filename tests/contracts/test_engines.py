"""The contract of engines: a copy holds what was written, filters by cells, and its ranker loses no hit."""

from __future__ import annotations

from contextlib import closing
from functools import cache, partial

import numpy as np
import pytest

from benchmarks.shared.milvus_server import MilvusServer
from retrieval.rankers.dense import ExactRanker
from retrieval.rankers.engine import AllOf, CopiedRows, HasCell, NoneOf, OneOf, filtered, row_sums
from retrieval.rankers.engine_link import EngineLink
from retrieval.rankers.engine_ranker import EngineRanker, HeldCopy
from retrieval.registry import RANKERS, installed, load

N, D, COPIED = 1500, 16, 1400
LARGE = (1 << 63) - 1
NAMES = [name for name in installed(RANKERS) if issubclass(load(name, RANKERS), EngineRanker)]


@pytest.fixture(scope="module", params=NAMES)
def kind(request) -> type[EngineRanker]:
    return load(request.param, RANKERS)


@pytest.fixture(scope="module")
def place(kind, tmp_path_factory):
    """Start a server of the kind."""
    pytest.importorskip({"milvus": "milvus_lite"}[kind.name])
    server = MilvusServer(tmp_path_factory.mktemp("server"))
    server.start()
    yield server.place.partition(":")[2]
    server.kill()


@cache
def vectors() -> np.ndarray:
    """Return vectors around 30 middles, of several lengths; some are of zeros."""
    rng = np.random.default_rng(0)
    found = rng.standard_normal((30, D))[rng.integers(0, 30, N)] + 0.5 * rng.standard_normal((N, D))
    found[:4] = 0
    return (found * rng.choice([0.1, 1, 100], (N, 1))).astype(np.float32)


@cache
def cells() -> np.ndarray:
    """Return two cells of each image: of ten and of three codes, some of which need all 63 bits."""
    own = np.arange(N)
    return np.stack([LARGE - own % 10, 100 + own % 3], axis=1)


def rows(numbers: np.ndarray) -> CopiedRows:
    return CopiedRows(
        numbers, vectors()[numbers], cells()[numbers], row_sums(vectors()[numbers], cells()[numbers])
    )


@pytest.fixture(scope="module")
def full(kind, place):
    """Make a copy of all vectors but the last hundred, and those of zeros."""
    with closing(kind.connect(place, "contract", patient=True)) as copy:
        copy.create(D, "cosine", 2)
        copy.put(rows(np.arange(4, COPIED)))
        copy.settle()
    return partial(kind.connect, place, "contract")


@pytest.fixture
def ranker(kind, full, tmp_path):
    """Open a ranker of all vectors with the copy; what it is told is an error."""
    made = ExactRanker(D)
    made.add(np.arange(N), vectors())
    made.save(tmp_path / "segment")
    opened = kind.open([tmp_path / "segment"], D)
    opened.few, opened.told = 20, []
    link = EngineLink(full, opened.told.append)
    opened.attach(HeldCopy(link, np.array([[4, 699], [700, COPIED - 1]])))
    yield opened
    link.close()
    assert opened.told == []


@pytest.fixture
def exact() -> ExactRanker:
    made = ExactRanker(D)
    made.add(np.arange(N), vectors())
    return made


def recall(ranker, exact, mask=None) -> float:
    found = []
    for id in range(5, N, 75):
        best = exact.rank(vectors()[id], 10, None if mask is None else np.array(mask))
        ranking = ranker.rank(vectors()[id], 10, mask)
        assert len(ranking) == len(best)
        own = dict(zip(best.ids.tolist(), best.scores.tolist(), strict=True))
        assert all(
            own.get(i, s) == s for i, s in zip(ranking.ids.tolist(), ranking.scores.tolist(), strict=True)
        )
        found.append(len(np.intersect1d(ranking.ids, best.ids)) / len(best))
    return float(np.mean(found))


def test_a_copy_holds_what_was_written_and_tells_its_checksums(full):
    with closing(full()) as copy:
        numbers, sums = copy.sums()
        wanted = rows(np.arange(4, COPIED))
        np.testing.assert_array_equal(numbers, wanted.numbers)
        np.testing.assert_array_equal(sums, wanted.sums)
        for page in copy.rows():
            for mine, theirs in zip(page, rows(page.numbers), strict=True):
                np.testing.assert_array_equal(mine, theirs)


def test_rows_are_deleted_and_written_again_and_a_copy_that_is_not_there_is_told(kind, place):
    with closing(kind.connect(place, "changing", patient=True)) as copy:
        assert copy.sums() is None
        copy.drop()
        copy.create(D, "dot", 2)
        copy.put(rows(np.arange(4, 30)))
        copy.delete(np.array([5, 6, 1000]))
        copy.put(rows(np.array([6]))._replace(sums=np.array([99])))
        copy.settle()
        numbers, sums = copy.sums()
        assert numbers.tolist() == [4, *range(6, 30)]
        assert sums[1] == 99
        assert 5 not in copy.find(vectors()[5][None], 20, None)
        copy.drop()
        assert copy.sums() is None


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (HasCell(0, (LARGE,)), lambda i: i % 10 == 0),
        (HasCell(1, (101, 102)), lambda i: i % 3 > 0),
        (NoneOf(HasCell(1, (101,))), lambda i: i % 3 != 1),
        (AllOf((HasCell(1, (100,)), NoneOf(HasCell(0, (LARGE - 1,))))), lambda i: i % 3 == 0 and i % 10 != 1),
        (OneOf((HasCell(1, (100,)), HasCell(0, (LARGE - 1,)))), lambda i: i % 3 == 0 or i % 10 == 1),
        (OneOf((HasCell(0, ()), HasCell(1, (100,)))), lambda i: i % 3 == 0),
        (HasCell(0, ()), lambda i: False),
    ],
)  # fmt: skip
def test_filters_of_cells_leave_what_they_say(full, condition, holds):
    with closing(full()) as copy:
        found = copy.find(vectors()[[50, 51]], 2000, condition)
    assert found.tolist() == [i for i in range(4, COPIED) if holds(i)]


def test_the_ranker_finds_the_best_also_where_the_copy_lacks_them(ranker, exact):
    assert recall(ranker, exact) >= 0.99


@pytest.mark.parametrize("column", [0, 1])
def test_filters_lose_no_hit(ranker, exact, column):
    code = int(cells()[7, column])
    mask = filtered(cells()[:, column] == code, lambda: HasCell(column, (code,)))
    assert recall(ranker, exact, mask) >= 0.99


def test_a_mask_without_a_filter_and_what_was_removed_lose_no_hit(ranker, exact):
    mask = np.random.default_rng(2).random(N) < 0.7
    assert recall(ranker, exact, mask) >= 0.99
    for one in (ranker, exact):
        one.remove(np.arange(0, N, 3))
    assert recall(ranker, exact) >= 0.99


def test_as_many_hits_as_are_asked_for_in_the_order_of_new_ids(ranker, exact):
    for one in (ranker, exact):
        one.renumber(np.arange(N)[::-1].copy())
    for k in (0, 1, 30, N, N + 5):
        assert len(ranker.rank(vectors()[9], k)) == min(k, N)
    assert recall(ranker, exact) >= 0.99
    assert len(ranker.rank(np.zeros(D, np.float32), 3)) == 3
