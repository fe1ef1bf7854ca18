"""The workers: queries wait their turn, and nobody is worked for who has gone away."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from viewer.server.work import GoneAwayError, Workers


async def yes():
    return True


async def no():
    return False


def test_who_goes_away_while_waiting_is_not_worked_for():
    begun, busy, done = threading.Event(), threading.Event(), []

    async def ask():
        workers = Workers(1)
        first = asyncio.create_task(workers.ask(lambda: begun.set() or busy.wait(10), no))
        await workers.fetch(lambda: begun.wait(10))
        with pytest.raises(GoneAwayError):
            await workers.ask(lambda: done.append("second"), yes)
        busy.set()
        assert await first
        await workers.ask(lambda: done.append("third"), no)
        workers.close()

    asyncio.run(ask())
    assert done == ["third"]


def test_whose_waiting_is_cancelled_is_not_worked_for():
    begun, busy, done = threading.Event(), threading.Event(), []

    async def ask():
        workers = Workers(1)
        first = asyncio.create_task(workers.ask(lambda: begun.set() or busy.wait(10), no))
        await workers.fetch(lambda: begun.wait(10))
        second = asyncio.create_task(workers.ask(lambda: done.append("second"), no))
        await asyncio.sleep(0.05)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        busy.set()
        assert await first
        await workers.ask(lambda: done.append("third"), no)
        workers.close()

    asyncio.run(ask())
    assert done == ["third"]


def test_what_is_short_does_not_wait_behind_queries():
    busy = threading.Event()

    async def ask():
        workers = Workers(1)
        slow = asyncio.create_task(workers.ask(lambda: busy.wait(10)))
        assert await asyncio.wait_for(workers.fetch(lambda: "at once"), 5) == "at once"
        busy.set()
        assert await slow
        workers.close()

    asyncio.run(ask())


def test_calm_waits_for_the_end_of_questions_but_not_for_ever():
    busy = threading.Event()

    async def wait():
        workers = Workers(1)
        asked = asyncio.create_task(workers.ask(lambda: busy.wait(10)))
        waiting = asyncio.create_task(workers.calm(0.05, 10))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        assert not await workers.calm(0.05, 0.1)  # its patience is at an end
        busy.set()
        assert await asyncio.wait_for(waiting, 5)
        assert await asked
        workers.close()

    asyncio.run(wait())


def test_what_a_query_raises_is_raised():
    def fail():
        raise ValueError("why")

    with pytest.raises(ValueError, match="why"):
        asyncio.run(Workers(1).ask(fail, no))


def test_what_fails_after_its_asker_has_gone_away_is_no_error_of_the_server(caplog):
    begun, busy = threading.Event(), threading.Event()

    def fail():
        begun.set()
        busy.wait(10)
        raise ValueError("why")

    async def ask():
        workers = Workers(1)
        waiting = asyncio.create_task(workers.ask(fail, no))
        await workers.fetch(lambda: begun.wait(10))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        busy.set()
        await workers.ask(lambda: None, no)
        workers.close()

    asyncio.run(ask())
    gc.collect()
    assert not caplog.records
