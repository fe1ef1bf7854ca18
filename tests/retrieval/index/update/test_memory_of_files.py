"""Facts about the memory of an update: it hardly grows with the number of files."""

import gc
import sys
import tracemalloc

import numpy as np
import pytest

from retrieval.baselines import Thumbnail
from retrieval.index.catalogue.contents import Contents
from retrieval.index.catalogue.encoded_picture import EncodedPicture
from retrieval.index.update.worker_messages import PartialResult
from retrieval.index.writer import IndexWriter
from retrieval.representation import Encoding

pytestmark = pytest.mark.usefixtures("quick")

FEW, MANY = 1100, 1900
COMMIT_EVERY = 72
"""So also of the few a large segment is merged with small ones, and a thousand images get byte codes."""
MOST = 500
"""Bytes for each file more: its path and stat while it is recorded, then the checksums of its rows. That is
205, and up to 320 where a table of Python doubles just then; it was 1,554 before these were packed."""


class Ready:
    """An executor that reads no file: each is a grey image."""

    def run(self, setup, tasks):
        for task in tasks:
            encodings = {id: Encoding(np.ones(256, np.float32)) for id in task.encode}
            about = (task.name, (24, 24), None, {}, {}, encodings, np.zeros(300, np.uint8))
            yield task, PartialResult([EncodedPicture(*about)], contents=Contents(bytes(16), bytes(16)))

    def close(self):
        pass


def files(folder, n):
    folder.mkdir()
    for number in range(n):
        (folder / f"{number:04}.png").touch()
    return folder


def peak(place, folder, commit_every=COMMIT_EVERY):
    """Return the bytes that it takes at its peak to index a folder."""
    with IndexWriter.create(place) as index:
        index.add_representation(Thumbnail())
        # The more objects there are, the more seldom Python looks for garbage: without those of other tests.
        gc.collect()
        gc.freeze()
        gc.collect()
        tracemalloc.start()
        report = index.update([folder], jobs=Ready(), commit_every=commit_every)
        bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        gc.unfreeze()
        assert report.pictures == len(list(folder.iterdir()))
        return bytes


def test_an_update_takes_few_bytes_for_each_file(tmp_path, monkeypatch):
    # Python doubles its table of parts of paths now and then, by megabytes.
    monkeypatch.setattr(sys, "intern", lambda text: text)
    peak(tmp_path / "first", files(tmp_path / "a", 20), 2)  # imports what stays
    few = peak(tmp_path / "few", files(tmp_path / "b", FEW))
    many = peak(tmp_path / "many", files(tmp_path / "c", MANY))
    assert many - few <= MOST * (MANY - FEW)
