"""The keys of images while a writer changes the index that is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.speed.cold_query import name_of, write_index
from retrieval.errors import SettingError
from retrieval.index.writer import IndexWriter
from viewer.server.opened import Opened

NAMES = [name_of(id) for id in range(1, 9)]


def test_a_key_means_the_same_image_after_a_later_commit(tmp_path: Path, quick: None) -> None:
    write_index(tmp_path / "index", len(NAMES))
    opened = Opened(tmp_path / "index")
    keys = {name: opened.key_of(name) for name in NAMES}
    assert len(set(keys.values())) == len(NAMES)
    with IndexWriter.open(tmp_path / "index") as index:
        index.remove([NAMES[2]])
    assert list(opened.index.names) == NAMES
    assert [opened.name_of(keys[name]) for name in NAMES] == NAMES
    # As when files that the commit needs are merged away: images have other positions then.
    opened.index.refresh()
    for name in (*NAMES[:2], *NAMES[3:]):
        assert opened.key_of(name) == keys[name]
        assert opened.name_of(keys[name]) == name
    assert opened.name_of(keys[NAMES[2]]) is None
    with pytest.raises(SettingError):
        opened.key_of(NAMES[2])
    opened.index.close()
