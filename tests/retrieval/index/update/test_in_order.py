"""Results come back in the order of their tasks, and what waits is bounded."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from retrieval.index.catalogue.encoded_picture import EncodedPicture
from retrieval.index.catalogue.files import State
from retrieval.index.update.in_order import InOrder
from retrieval.index.update.slide_bands import TILES_PER_BAND
from retrieval.index.update.worker_messages import Failure, PartialResult, Task


def task(source):
    return Task(source, Path("x"), "x", ())


def result(n=1, goes_on=False):
    return PartialResult([EncodedPicture("x", (1, 1), None, {}, {}, {}, None)] * n, goes_on=goes_on)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_any_interleaving_comes_out_in_order(n_parts, random):
    order, out = InOrder(), []
    for source in range(len(n_parts)):
        order.begin(task(source))
    left = dict(enumerate(n_parts))
    while left:
        source = random.choice(sorted(left))
        left[source] -= 1
        last = left[source] == 0
        left = {s: n for s, n in left.items() if n}
        done = Failure(State.SKIPPED, "") if last and source % 2 else result(goes_on=not last)
        out += [one.source for one, _ in order.end(task(source), done)]
    assert out == [source for source, n in enumerate(n_parts) for _ in range(n)]
    assert order.head is None
    assert not order.is_full


def test_parts_of_the_first_file_go_on_at_once_and_others_fill_it():
    order = InOrder()
    for source in (0, 1):
        order.begin(task(source))
    assert len(list(order.end(task(0), result(64, goes_on=True)))) == 1
    for _ in range(8):
        assert not order.is_full
        assert list(order.end(task(1), result(64, goes_on=True))) == []
    assert order.is_full
    assert len(list(order.end(task(0), result(1)))) == 9
    assert not order.is_full
    assert order.head == (1, 0)


def test_each_of_many_workers_may_do_a_band_while_the_first_is_not_done():
    n_workers = 16
    order = InOrder(n_workers)
    for number in range(n_workers):
        order.begin(task(number))
    for number in range(1, n_workers):
        assert not order.is_full
        assert list(order.end(task(number), result(TILES_PER_BAND))) == []
    assert not order.is_full
    assert len(list(order.end(task(0), result(1)))) == n_workers
