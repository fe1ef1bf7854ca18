"""Facts about sharing one query out over threads: every item once, no thread left, errors raised."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from retrieval.rankers import share_out as share_out_module
from retrieval.rankers.share_out import PROCESSORS, Processors, share_out, share_out_rows


@pytest.fixture
def two(monkeypatch):
    """Pretend that the machine has two processors that nobody uses."""
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1})
    assert are_both_free()


def are_both_free():
    """Wait until helpers that came too late are gone, and tell if two threads may rank."""
    for _ in range(3000):
        n = sum(PROCESSORS.let_in() for _ in range(3))
        for _ in range(n):
            PROCESSORS.leave()
        if n == 2:
            return True
        time.sleep(0.01)
    return False


def noted(seen, wait=0.0):
    """Return what starts threads that note their items, and by whom they were taken."""

    def start():
        own = object()

        def do(item):
            time.sleep(wait)
            seen.append((item, own))

        return do

    return start


@pytest.mark.parametrize("n_threads", [0, 1, 2, 9])
def test_every_item_is_taken_once(two, n_threads):
    seen: list = []
    share_out(range(50), noted(seen), n_threads)
    assert sorted(item for item, _ in seen) == list(range(50))
    assert len({own for _, own in seen}) <= 2


def test_a_free_processor_helps(two):
    both, seen = threading.Barrier(2, timeout=60), []

    def do(item):
        both.wait()  # for the other thread, which has the other item
        seen.append(item)

    share_out(range(2), lambda: do, 2)
    assert sorted(seen) == [0, 1]


def test_no_helper_begins_while_other_queries_use_the_processors(two):
    seen: list = []
    PROCESSORS.enter()
    try:
        share_out(range(9), noted(seen, 0.002), 2)
    finally:
        PROCESSORS.leave()
    assert len({own for _, own in seen}) == 1


def test_a_helper_stops_when_another_query_begins(two):
    seen: list = []
    both, begun = threading.Barrier(2, timeout=60), threading.Event()

    def start():
        own = object()

        def do(item):
            seen.append((item, own))
            if item < 2 and both.wait() == 0:
                PROCESSORS.enter()  # by a query in another thread
                begun.set()
            begun.wait(60)
            time.sleep(0.001)

        return do

    try:
        share_out(range(200), start, 2)
    finally:
        if begun.is_set():
            PROCESSORS.leave()
    assert begun.is_set() and len(seen) == 200
    fewest = min(sum(own == one for _, own in seen) for one in {own for _, own in seen})
    assert fewest <= 2


@pytest.mark.parametrize("failing", ["first", "second"])
def test_an_error_of_any_thread_is_raised(two, failing):
    ready = threading.Barrier(2, timeout=60)
    main = threading.get_ident()

    def start():
        def do(item):
            if item < 2:
                ready.wait()
            if (threading.get_ident() == main) == (failing == "first"):
                raise ValueError("damaged")

        return do

    with pytest.raises(ValueError, match="damaged"):
        share_out(range(4), start, 2)
    assert are_both_free()


def test_where_no_thread_can_begin_this_one_does_all(two, monkeypatch):
    def refuse(*arguments):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(share_out_module, "start_new_thread", refuse)
    seen: list = []
    share_out(range(9), noted(seen), 2)
    assert [item for item, _ in seen] == list(range(9))
    assert are_both_free()


def test_a_thread_that_shares_out_again_is_counted_once(two):
    seen: list = []

    def start():
        def do(item):
            time.sleep(0.002)
            share_out([(item, i) for i in range(3)], noted(seen), 2)

        return do

    share_out(range(6), start, 2)
    assert len(seen) == 18
    assert are_both_free()


@pytest.mark.parametrize("n", [0, 1, 99, 1000])
def test_ranges_cover_all_rows_once(two, monkeypatch, n):
    monkeypatch.setattr(share_out_module, "_A_THREAD", 40)
    seen = np.zeros(n, int)

    def do(rows):
        seen[rows] += 1

    share_out_rows(n, do)
    assert (seen == 1).all()


def test_processors_are_counted(two):
    counted = Processors()
    counted.enter()
    assert counted.let_in() and not counted.let_in()
    assert not counted.are_crowded
    counted.enter()
    assert counted.are_crowded
    counted.leave()
    assert not counted.are_crowded
