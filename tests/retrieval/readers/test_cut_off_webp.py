"""Lossy WebP with zeros in the place of what was cut off."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from retrieval.errors import PictureError
from retrieval.readers import read_pictures

SQUARES = np.kron(np.random.default_rng(0).integers(0, 256, (32, 32)), np.ones((8, 8)))
IMAGE = cv2.GaussianBlur(SQUARES, (0, 0), 2).astype(np.uint8)
BLACK_BELOW = np.vstack([IMAGE, np.zeros((4000, 256), np.uint8)])


def _webp(image, **how):
    data = io.BytesIO()
    Image.fromarray(image).save(data, "WEBP", **how)
    return data.getvalue()


@pytest.mark.parametrize("quality", [50, 98])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_zeros_are_no_part_of_an_image(tmp_path, share, quality):
    path, data = tmp_path / "x.webp", _webp(IMAGE, quality=quality)
    n = int(len(data) * share)
    path.write_bytes(data[:n] + bytes(len(data) - n))
    with pytest.raises(PictureError, match="truncated within its image"):
        list(read_pictures(path, "x"))


def test_an_image_that_ends_in_zeros_is_whole(tmp_path):
    path, data = tmp_path / "x.webp", _webp(BLACK_BELOW, quality=100, method=0)
    assert not any(data[-256:])
    path.write_bytes(data)
    assert len(list(read_pictures(path, "x"))) == 1


@pytest.mark.parametrize("how", [{"exif": Image.Exif().tobytes() or b"Exif\0\0"}, {"save_all": True}])
def test_a_mask_with_more_than_its_pixels_marks_no_noise(tmp_path, how):
    mask = np.zeros((64, 64), np.uint8)
    mask[20:40, 24:44] = 255
    path = tmp_path / "x.webp"
    more = {"append_images": [Image.fromarray(mask.T)]} if "save_all" in how else {}
    path.write_bytes(_webp(mask, quality=40, **how, **more))
    (picture,) = read_pictures(path, "x", as_mask=True)
    np.testing.assert_array_equal(picture.pixels, mask / 255)
