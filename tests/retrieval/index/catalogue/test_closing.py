"""A catalogue that is closed while another thread asks it: SQLite must not be closed under it."""

import threading

import pytest

from retrieval.errors import IndexFolderError
from retrieval.index.catalogue.database import Catalogue


def test_a_catalogue_is_closed_only_when_nobody_asks_it(tmp_path):
    Catalogue.create(tmp_path, {}).close()
    catalogue = Catalogue(tmp_path, "ro")
    begun, may_end, order = threading.Event(), threading.Event(), []

    def asks():
        with catalogue.snapshot():
            begun.set()
            may_end.wait(10)
            catalogue.rows("SELECT 1")
        order.append("asked")

    asking = threading.Thread(target=asks)
    asking.start()
    assert begun.wait(10)
    closing = threading.Thread(target=lambda: (catalogue.close(), order.append("closed")))
    closing.start()
    closing.join(0.2)
    assert closing.is_alive()
    may_end.set()
    asking.join(10)
    closing.join(10)
    assert order == ["asked", "closed"]
    with pytest.raises(IndexFolderError, match="was closed"):
        catalogue.rows("SELECT 1")
