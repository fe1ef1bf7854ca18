"""What is closed when its last user lets go of it, whichever lock that one holds."""

from __future__ import annotations

import gc
import threading

import pytest

from viewer.server.closing import close_when_gone


class Owner:
    """Somebody who holds something open."""


@pytest.mark.parametrize("is_cycle", [False, True])
def test_what_is_let_go_of_under_its_own_lock_is_closed_soon(is_cycle: bool) -> None:
    lock, closed = threading.Lock(), threading.Event()

    def close() -> None:
        with lock:
            closed.set()

    owner = Owner()
    close_when_gone(owner, close)
    if is_cycle:
        owner.itself = owner  # type: ignore[attr-defined]
    with lock:
        del owner
        gc.collect()
        assert not closed.is_set()
    assert closed.wait(20)


def test_a_closing_that_fails_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    told, closed = [], threading.Event()
    monkeypatch.setattr("sys.excepthook", lambda kind, *_: told.append(kind))
    owners = [Owner(), Owner()]

    def fails() -> None:
        raise OSError("the folder is away")

    for owner, close in zip(owners, (fails, closed.set), strict=True):
        close_when_gone(owner, close)
    del owner
    while owners:
        owners.pop(0)
    assert closed.wait(20)
    assert told == [OSError]
