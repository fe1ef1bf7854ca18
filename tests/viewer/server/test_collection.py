"""A collection that is closed while it looks for commits: SQLite must not be closed under it."""

import threading

from viewer.server.collection import Collection


def test_it_is_closed_only_when_nobody_looks_for_a_commit(copied_index):
    collection = Collection("it", copied_index)
    begun, may_end, order = threading.Event(), threading.Event(), []

    def looks() -> bool:
        begun.set()
        may_end.wait(10)
        order.append("looked")
        return False

    collection._take_up = looks
    looking = threading.Thread(target=collection.take_up)
    looking.start()
    assert begun.wait(10)
    closing = threading.Thread(target=lambda: (collection.close(), order.append("closed")))
    closing.start()
    closing.join(0.2)
    assert closing.is_alive()
    may_end.set()
    looking.join(10)
    closing.join(10)
    assert order == ["looked", "closed"]
    # Whoever comes later asks nothing of what is closed.
    del collection._take_up
    assert collection.take_up() is False
