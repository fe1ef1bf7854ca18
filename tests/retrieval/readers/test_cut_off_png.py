"""PNG that is cut off, with zeros in the place of what lacks."""

import io
import struct
import zlib

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


def _chunk(kind, contents):
    return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", zlib.crc32(kind + contents))


def _of_rows(rows, cols, depth, colour, raw, interlace=0):
    """Return a PNG file of unpacked rows, each behind the number of its filter."""
    header = struct.pack(">IIBBBBB", cols, rows, depth, colour, 0, 0, interlace)
    palette = _chunk(b"PLTE", bytes(range(255, 255 - 48, -1))) if colour == 3 else b""
    pixels = _chunk(b"IDAT", zlib.compress(raw))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + palette + pixels + _chunk(b"IEND", b"")


def _noise(n_rows, n_bytes):
    # Pillow itself sees that rows are missing if they unpack from a few bytes.
    rows = RNG.integers(1, 256, (n_rows, n_bytes)).astype(np.uint8)
    return b"".join(b"\0" + row.tobytes() for row in rows)


@pytest.mark.parametrize(
    ("depth", "colour", "bits"),
    [(1, 0, 1), (4, 0, 4), (8, 0, 8), (16, 0, 16), (8, 2, 24), (4, 3, 4), (8, 4, 16), (8, 6, 32)],
)
def test_rows_that_are_missing_are_not_shown_as_black(tmp_path, depth, colour, bits):
    path, n_bytes = tmp_path / "x.png", 64 * bits // 8
    for last in (_noise(1, n_bytes), bytes(1 + n_bytes)):
        raw = _noise(63, n_bytes) + last
        path.write_bytes(_of_rows(64, 64, depth, colour, raw))
        assert len(list(read_pictures(path, "x"))) == 1
        for lacking in (1, n_bytes + 1, 30 * (n_bytes + 1)):
            path.write_bytes(_of_rows(64, 64, depth, colour, raw[:-lacking]))
            with pytest.raises(PictureError, match="truncated"):
                list(read_pictures(path, "x"))


@pytest.mark.parametrize(("rows", "cols"), [(513, 513), (600, 400)])
def test_passes_that_are_missing_are_not_shown_as_black(tmp_path, rows, cols):
    path = tmp_path / "x.png"
    # First row and column of each pass, and the steps to the next; PNG specification, 8.2.
    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    sizes = [(len(range(r, rows, dr)), len(range(c, cols, dc))) for r, c, dr, dc in passes]
    raw = b"".join(_noise(n_rows, n_cols) for n_rows, n_cols in sizes if n_cols)
    path.write_bytes(_of_rows(rows, cols, 8, 0, raw, interlace=1))
    (picture,) = read_pictures(path, "x")
    assert picture.pixels.all()
    path.write_bytes(_of_rows(rows, cols, 8, 0, raw[: -(rows // 2) * (cols + 1)], interlace=1))
    with pytest.raises(PictureError, match="truncated"):
        list(read_pictures(path, "x"))
