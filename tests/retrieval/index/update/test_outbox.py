"""Facts about the way of results to the writing process: quick ones go together, and no blame is lost."""

import ctypes
from multiprocessing import Pipe
from pathlib import Path

import pytest

from retrieval.index.catalogue.files import State
from retrieval.index.update import outbox
from retrieval.index.update.outbox import Outbox
from retrieval.index.update.worker_messages import Failure, PartialResult, Task
from retrieval.index.update.worker_process import WorkerProcess


def task(source, path=Path("x")):
    return Task(source, path, "x", ())


@pytest.fixture
def pipe(monkeypatch):
    monkeypatch.setattr(outbox, "_SECONDS", 1e9)
    here, there = Pipe()
    yield here, Outbox(there)
    here.close()
    there.close()


def received(here):
    found = []
    while here.poll():
        found.append(len(here.recv()))
    return found


def test_results_go_out_together_and_parts_of_a_file_at_once(pipe):
    here, out = pipe
    for _ in range(40):
        out.put(PartialResult())
    assert received(here) == [32]
    out.put(PartialResult(goes_on=True))
    assert received(here) == [9]
    out.put(PartialResult())
    assert received(here) == [1]
    out.put(Failure(State.FAILED, ""))
    assert received(here) == []
    out.send()
    out.send()
    assert received(here) == [1]


def test_a_result_that_is_old_takes_the_others_with_it(pipe, monkeypatch):
    here, out = pipe
    out.put(PartialResult())
    monkeypatch.setattr(outbox, "_SECONDS", -1)
    out.put(PartialResult())
    assert received(here) == [2]


def test_what_is_ready_goes_out_before_a_large_file_and_waits_for_a_small_one(pipe, tmp_path):
    here, out = pipe
    out.put(PartialResult())
    for name, size in (("small", 1000), ("large", 300_000)):
        (tmp_path / name).write_bytes(bytes(size))
    out.make_way(task(1, tmp_path / "small"))
    out.make_way(task(2, tmp_path / "missing"))
    assert received(here) == []
    out.make_way(task(3, tmp_path / "large"))
    assert received(here) == [1]


@pytest.mark.parametrize(("begun", "guilty"), [(0, 3), (3, 3), (5, 5), (9, 6)])
def test_the_task_that_was_begun_last_is_to_blame(begun, guilty):
    worker = WorkerProcess(None, None, ctypes.c_int64(begun))
    worker.assigned.extend(task(source) for source in (1, 2, 3, 4, 5, 6))
    assert [t.source for t, _ in worker.results([PartialResult()] * 2)] == [1, 2]
    left = [t.source for t in worker.undone()]
    assert left == [guilty, *(source for source in (3, 4, 5, 6) if source != guilty)]


def test_a_quick_worker_gets_more_tasks_at_a_time_and_a_slow_one_fewer():
    worker = WorkerProcess(None, None, ctypes.c_int64(0))

    def room(n_together):
        """Let it answer so many of its tasks together, and return how many it then may have."""
        list(worker.results([PartialResult()] * n_together))
        while worker.has_room:
            worker.assigned.append(task(0))
        return len(worker.assigned)

    worker.assigned.extend([task(0)] * 2)
    assert [room(n) for n in (2, 4, 8, 16, 32, 64)] == [4, 8, 16, 32, 64, 64]
    assert room(16) == 64
    assert [room(1) for _ in range(64)][-1] < 16


def test_tasks_with_many_hashes_wait_until_the_worker_can_read_them():
    here, there = Pipe()
    worker = WorkerProcess(None, here, ctypes.c_int64(0))
    setup = object()
    worker.setup = setup
    # Six such tasks are more than a pipe holds, and nobody reads: to send all would take for ever.
    for source in range(6):
        hashes = {f"examination.dcm#{source}.{frame}": bytes(32) for frame in range(1000)}
        worker.assign(setup, Task(source, Path("x"), "x", (), pixels=hashes))
    for source in (6, 7):
        worker.assign(setup, task(source))
    arrived = []
    while worker.assigned:
        worker.send()
        arrived.append([one.source for one in there.recv()])
        assert not there.poll()
        list(worker.results([PartialResult()] * len(arrived[-1])))
    assert arrived == [[0], [1], [2], [3], [4], [5], [6, 7]]
    here.close()
    there.close()
