"""The window ``full``: from the lowest to the highest value of a file of several frames."""

import nibabel as nib
import numpy as np
import pytest
import tifffile
from support.dicom_files import write_dicom

from retrieval.readers import read_pictures
from retrieval.readers.window import Window


def _nifti(path, frames):
    nib.save(nib.Nifti1Image(frames.transpose(2, 1, 0), np.diag([1, 1, 5, 1])), path)


def _tiff(path, frames):
    tifffile.imwrite(path, frames, photometric="minisblack")


@pytest.mark.parametrize(("name", "write"), [("x.nii", _nifti), ("x.tif", _tiff), ("x.dcm", write_dicom)])
def test_no_single_value_is_cut_off(tmp_path, name, write):
    frames = np.zeros((4, 800, 800), np.int16)
    frames += np.arange(800, dtype=np.int16)
    for number in range(1, 4):
        frames[number, 100 + number, 301] = 5000 - number
    frames[0, 7, 8] = -1000
    write(tmp_path / name, frames)
    pictures = list(read_pictures(tmp_path / name, "x", window=Window("full")))
    expected = [799, 4999, 4998, 4997]
    highest = [float(picture.pixels.max()) * 5999 - 1000 for picture in pictures]
    assert highest == pytest.approx(expected, abs=0.01)
    assert min(picture.pixels.min() for picture in pictures) == 0


def test_what_is_no_number_is_no_extreme(tmp_path):
    frames = np.random.default_rng(0).random((3, 400, 400), dtype=np.float32)
    frames[0, 0, 0], frames[1, 0, 0], frames[2] = np.inf, np.nan, np.nan
    frames[1, 5, 7] = 9
    _tiff(tmp_path / "x.tif", frames)
    pictures = list(read_pictures(tmp_path / "x.tif", "x", window=Window("full")))
    assert [picture.id for picture in pictures] == ["x#0", "x#1"]
    assert pictures[1].pixels[5, 7] == 1
    assert 0.1 < pictures[0].pixels.max() < 0.12
