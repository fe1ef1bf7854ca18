"""Images of Pillow that cannot be decoded: they read their files when they are asked with."""

import io

import numpy as np
import pytest
from PIL import Image
from support.drawings import draw_numbered
from support.indexes import index_thumbnails

import semblance


@pytest.fixture
def index(tmp_path):
    with semblance.open(index_thumbnails(tmp_path / "ix", draw_numbered(tmp_path / "in", 3))) as index:
        yield index


def test_an_image_that_was_cut_off_or_closed_is_an_error_of_semblance(index):
    data = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(data, "PNG")
    cut = Image.open(io.BytesIO(data.getvalue()[:2000]))
    with pytest.raises(semblance.PictureError, match="array: cannot be decoded: the file is truncated"):
        index.query(cut)
    closed = Image.open(data)
    closed.close()
    with pytest.raises(semblance.PictureError, match="array: was closed; open it again"):
        index.query(closed)
