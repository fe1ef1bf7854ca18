"""PNG that is cut off, with zeros in the place of what lacks."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from retrieval.errors import PictureError
from retrieval.readers import read_pictures

RNG = np.random.default_rng(0)
SQUARES = np.kron(RNG.integers(0, 255, (32, 32)).astype(np.uint8), np.ones((8, 8), np.uint8))
SMOOTH = cv2.GaussianBlur(SQUARES, (0, 0), 2)
IMAGE = np.stack([SMOOTH, SMOOTH[::-1], SMOOTH.T], axis=-1)


def _png():
    data = io.BytesIO()
    Image.fromarray(IMAGE).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize("share", [0.3, 0.55, 0.7, 0.8, 0.9, 0.95])
def test_zeros_are_not_unpacked_to_pixels(tmp_path, share):
    data, path = _png(), tmp_path / "x.png"
    n = int(len(data) * share)
    path.write_bytes(data[:n] + bytes(len(data) - n))
    with pytest.raises(PictureError, match="x: "):
        list(read_pictures(path, "x"))


@pytest.mark.parametrize("more", [b"", bytes(500), b"\xff" * 500])
@pytest.mark.parametrize("lacking", [0, 12])
def test_a_whole_image_is_read_without_its_end_and_with_more_behind_it(tmp_path, lacking, more):
    data, path = _png(), tmp_path / "x.png"
    path.write_bytes(data[: len(data) - lacking] + more)
    (picture,) = read_pictures(path, "x")
    np.testing.assert_array_equal(picture.pixels, IMAGE / np.float32(255))
