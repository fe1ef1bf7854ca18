"""Fill values: constants far outside everything else must not decide the window."""

import nibabel as nib
import numpy as np
import pytest
import tifffile

from retrieval.readers import read_pictures
from retrieval.readers.fill_values import without_fill
from retrieval.readers.window import Window, looks_like_hounsfield

RNG = np.random.default_rng(0)
BODY = RNG.integers(-40, 88, 5000).astype(np.int16)
AIR = RNG.integers(-1024, -950, 5000).astype(np.int16)


@pytest.mark.parametrize("fill", [-32768, 32767, -9999])
def test_a_constant_far_outside_is_left_out(fill):
    values = np.concatenate([BODY, np.full(3000, fill, np.int16)])
    np.testing.assert_array_equal(np.sort(without_fill(values)), np.sort(BODY))


def test_two_constants_are_left_out():
    values = np.concatenate([BODY, np.full(900, -32768, np.int16), np.full(900, 32767, np.int16)])
    np.testing.assert_array_equal(np.sort(without_fill(values)), np.sort(BODY))


def test_the_extremes_of_float32_are_left_out_without_overflow():
    values = np.concatenate([BODY.astype(np.float32), np.full(900, -3.4028235e38, np.float32)])
    assert without_fill(values).min() == BODY.min()


@pytest.mark.parametrize("fill", [-2000, -3024])
def test_what_scanners_write_outside_their_view_is_left_out(fill):
    values = np.concatenate([BODY, AIR, np.full(4000, fill, np.int16)])
    assert without_fill(values).min() == AIR.min()


@pytest.mark.parametrize(
    "values",
    [
        np.repeat([0, 1], 500),
        np.repeat([0, 1000, 1001, 1002], 500),  # labels
        np.concatenate([np.zeros(9990), RNG.integers(900, 999, 10)]),  # a small object
        np.concatenate([np.full(5000, -1000), BODY]),  # air, made even
        np.arange(1000),
    ],
    ids=["mask", "labels", "object", "air", "ramp"],
)
def test_ordinary_values_stay_whole(values):
    np.testing.assert_array_equal(without_fill(values), values)


def test_a_fill_value_makes_no_hounsfield_units():
    assert not looks_like_hounsfield(np.concatenate([BODY + 100, np.full(3000, -32768)]))
    assert looks_like_hounsfield(np.concatenate([AIR, BODY, np.full(3000, -32768)]))


def test_the_body_keeps_its_contrast_beside_a_fill_value(tmp_path):
    values = np.concatenate([BODY, AIR]).reshape(100, 100, 1)
    padded = values.copy()
    padded[:20] = -32768
    shown = []
    for array in (values, padded):
        nib.save(nib.Nifti1Image(array, np.eye(4)), tmp_path / "v.nii")
        (picture,) = read_pictures(tmp_path / "v.nii", "v.nii")
        shown.append(np.ptp(picture.pixels[:, :40]))
    assert shown[1] > 0.9 * shown[0]


def test_a_float_tiff_keeps_its_levels_beside_no_data(tmp_path):
    values = RNG.random((64, 64)).astype(np.float32)
    values[:20] = -3.4028235e38
    tifffile.imwrite(tmp_path / "x.tif", values)
    (picture,) = read_pictures(tmp_path / "x.tif", "x.tif")
    assert len(np.unique(np.round(picture.pixels[20:] * 255))) > 250
    assert picture.pixels[:20].max() == 0
    (full,) = read_pictures(tmp_path / "x.tif", "x.tif", window=Window("full"))
    assert full.pixels[20:].min() > 0.99
