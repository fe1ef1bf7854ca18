"""Sizes, times, texts and extensions that cannot be read never cost the pixels."""

import struct
import zlib

import nibabel as nib
import numpy as np
import pytest
import tifffile

from retrieval.errors import PictureError
from retrieval.readers import read_pictures

GREY = np.random.default_rng(0).integers(0, 255, (12, 16), dtype=np.uint8)


def _pixels(path):
    return next(iter(read_pictures(path, path.name))).pixels


def _chunk(kind, data, is_whole=True):
    checksum = zlib.crc32(kind + data) ^ (not is_whole)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _png(*extra, is_whole=True):
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 12, 8, 0, 0, 0, 0))
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in GREY))
    pixels = _chunk(b"IDAT", rows if is_whole else rows[:40])
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + pixels + _chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "chunk",
    [
        _chunk(b"pHYs", b"\0"),
        _chunk(b"tRNS", b"\0"),  # a grey level takes two bytes
        _chunk(b"tIME", bytes(7), is_whole=False),
        _chunk(b"gAMA", b"\0"),
    ],
    ids=["size", "transparency", "time", "gamma"],
)
def test_a_damaged_chunk_of_a_png_that_holds_no_pixels(tmp_path, chunk):
    path = tmp_path / "x.png"
    path.write_bytes(_png(chunk))
    np.testing.assert_allclose(_pixels(path), GREY / 255, atol=1e-6)
    # What is transparent stays so.
    level = int(GREY[0, 0])
    path.write_bytes(_png(chunk, _chunk(b"tRNS", struct.pack(">H", level))))
    assert not _pixels(path)[level == GREY].any()
    path.write_bytes(_png(chunk, is_whole=False))
    with pytest.raises(PictureError, match=r"x\.png: cannot be decoded"):
        _pixels(path)


def test_an_extension_of_nifti_of_a_length_that_cannot_be(tmp_path):
    volume = nib.Nifti1Image(np.random.default_rng(1).normal(size=(4, 5, 3)), np.eye(4))
    nib.save(volume, tmp_path / "whole.nii")
    data = (tmp_path / "whole.nii").read_bytes()
    # nifti1.h: the size of an extension is a multiple of 16.
    extended = bytearray(data[:348] + b"\1\0\0\0" + struct.pack("<ii", 7, 6) + bytes(8) + data[352:])
    extended[108:112] = struct.pack("<f", 368)
    (tmp_path / "x.nii").write_bytes(extended)
    np.testing.assert_array_equal(_pixels(tmp_path / "x.nii"), _pixels(tmp_path / "whole.nii"))


def test_a_page_that_kept_the_description_of_a_stack(tmp_path):
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, GREY, description="ImageJ=1.53\nimages=3\nslices=3\n", metadata=None)
    np.testing.assert_allclose(_pixels(path), GREY / 255, atol=1e-6)
    # With the other two behind the first, as ImageJ writes stacks above 4 GB, it is that stack.
    path.write_bytes(path.read_bytes() + 2 * GREY.tobytes())
    with pytest.raises(PictureError, match="a stack with 3 images"):
        _pixels(path)


def test_a_stack_in_one_page_is_not_taken_for_its_first_image(tmp_path):
    stack = np.random.default_rng(0).integers(0, 256, (5, 16, 16), dtype=np.uint8)
    how = {"truncate": True, "photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "x.tif", stack, metadata={"axes": "ZYX"}, **how)
    with pytest.raises(PictureError, match="a stack with 5 images in one page"):
        list(read_pictures(tmp_path / "x.tif", "x.tif"))
