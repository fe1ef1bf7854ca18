"""What is transparent is laid on black, in every format and colour."""

import struct

import nibabel as nib
import numpy as np
import pytest
import tifffile
from support.dicom_files import texture

from retrieval.readers import read_pictures

ALPHA = np.zeros((16, 16), np.uint8)
ALPHA[4:], ALPHA[10:] = 255, 128
OPAQUE = (ALPHA / 255)[..., None]
RGB, INKS, GREY = texture(0, (16, 16, 3)), texture(1, (16, 16, 4)), texture(2)
MASKS = 0xFF0000, 0xFF00, 0xFF, 0xFF000000
"""Of red, green, blue and alpha in the words of a BMP."""
RGBA = np.concatenate([RGB, ALPHA[..., None]], axis=2)


def _pixels(path, **kwargs):
    return next(iter(read_pictures(path, path.name, **kwargs))).pixels


@pytest.mark.parametrize(
    ("photometric", "samples", "shown"),
    [
        ("minisblack", GREY[..., None], GREY[..., None] / 255),
        ("miniswhite", GREY[..., None], 1 - GREY[..., None] / 255),
        ("rgb", RGB, RGB / 255),
        ("separated", INKS, (1 - INKS[..., :3] / 255) * (1 - INKS[..., 3:] / 255)),
    ],
)
def test_of_a_tiff_page_whatever_its_colours_are(tmp_path, photometric, samples, shown):
    page = np.concatenate([samples, ALPHA[..., None]], axis=2)
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, page, photometric=photometric, extrasamples=["unassalpha"])
    np.testing.assert_allclose(_pixels(path), np.squeeze(shown * OPAQUE), atol=1e-3)
    marked = _pixels(path, as_mask=True)
    np.testing.assert_array_equal(marked, (samples != 0).any(axis=2) & (ALPHA > 0))


def test_of_luma_and_colour_differences_in_a_tiff_page(tmp_path):
    # Grey as YCbCr: both differences are 128, and 0 of them is green.
    page = np.stack([GREY, np.full_like(GREY, 128), np.full_like(GREY, 128), ALPHA], axis=2)
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, page, photometric="ycbcr", subsampling=(1, 1), extrasamples=["unassalpha"])
    np.testing.assert_allclose(_pixels(path), GREY[..., None] / 255 * OPAQUE * [1, 1, 1], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        (
            "x.nrrd",
            b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4 16 16\nkinds: RGBA-color domain domain\n"
            b"encoding: raw\n\n",
        ),
        (
            "x.mha",
            b"ObjectType = Image\nNDims = 2\nDimSize = 16 16\nElementNumberOfChannels = 4\n"
            b"ElementType = MET_UCHAR\nElementDataFile = LOCAL\n",
        ),
    ],
)
def test_of_nrrd_and_metaimage(tmp_path, name, head):
    (tmp_path / name).write_bytes(head + RGBA.tobytes())
    np.testing.assert_allclose(_pixels(tmp_path / name), RGB / 255 * OPAQUE, atol=3e-3)


def test_of_nifti(tmp_path):
    kind = np.dtype([(name, "u1") for name in "RGBA"])
    # The first axis of the file runs to the left and the second to the back, as columns and rows are shown.
    voxels = np.ascontiguousarray(RGBA.transpose(1, 0, 2)).view(kind)
    nib.save(nib.Nifti1Image(voxels, np.diag([-1, -1, 1, 1])), tmp_path / "x.nii")
    np.testing.assert_allclose(_pixels(tmp_path / "x.nii"), RGB / 255 * OPAQUE, atol=3e-3)


def test_a_fourth_byte_of_a_bmp_that_nobody_set_hides_nothing(tmp_path):
    """BITMAPV4HEADER with a mask for alpha, and alpha 0 throughout; with one pixel set it is meant."""
    rgb = np.random.default_rng(3).integers(0, 256, (4, 8, 3), dtype=np.uint8)
    bgra = np.zeros((4, 8, 4), np.uint8)
    bgra[..., :3] = rgb[..., ::-1]
    head = struct.pack("<IiiHHIIiiII4I4s", 108, 8, -4, 1, 32, 3, 128, 2835, 2835, 0, 0, *MASKS, b"BGRs")
    for n_opaque, name in ((0, "unused.bmp"), (1, "meant.bmp")):
        bgra[0, :n_opaque, 3] = 255
        start = b"BM" + struct.pack("<IHHI", 122 + 128, 0, 0, 122)
        (tmp_path / name).write_bytes(start + head.ljust(108, b"\0") + bgra.tobytes())
    np.testing.assert_allclose(_pixels(tmp_path / "unused.bmp"), rgb / 255, atol=1e-6)
    meant = _pixels(tmp_path / "meant.bmp")
    np.testing.assert_allclose(meant[0, 0], rgb[0, 0] / 255, atol=1e-6)
    assert not meant[1:].any()
