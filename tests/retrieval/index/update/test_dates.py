"""Dates of files: clocks that were wrong, discs of other systems, and numbers that no database holds."""

import os

import numpy as np
import pytest
from PIL import Image
from support.indexes import counts

from retrieval.baselines import Thumbnail
from retrieval.index.writer import IndexWriter

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize("seconds", [10_413_792_000, 0, -12_000_000_000])  # years 2300, 1970 and 1589
def test_a_file_of_any_date_is_indexed_and_found(tmp_path, seconds):
    path = tmp_path / "media/a.png"
    path.parent.mkdir()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(path)
    os.utime(path, (seconds, seconds))
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        assert counts(index.update([path.parent], jobs=1)) == (1, 0, 0, 0)
        assert counts(index.update([path.parent], jobs=1)) == (0, 0, 0, 1)
        assert index.path_of("a.png") == path
        assert index.names_at(path) == ["a.png"]
