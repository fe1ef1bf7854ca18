"""Padding of floating point pixels; PS3.3 C.7.6.24 and C.7.6.25."""

import numpy as np
import pytest
from pydicom import dcmread
from support.dicom_files import write_dicom

from retrieval.readers import read_pictures


@pytest.mark.parametrize(("kind", "name"), [(np.float32, "Float"), (np.float64, "DoubleFloat")])
@pytest.mark.parametrize("limit", [-900.1, -1500.0])
def test_a_range_of_floats_is_padding(tmp_path, kind, name, limit):
    stored = np.array([[-1200.5, kind(limit), -1200.25, 0, 1, 2]], kind)
    keys = {f"{name}PixelPaddingValue": -1200.5, f"{name}PixelPaddingRangeLimit": limit}
    path = write_dicom(tmp_path / "x.dcm", np.zeros(stored.shape, f"u{stored.itemsize}"), **keys)
    dataset = dcmread(path)
    for keyword in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, keyword)
    setattr(dataset, f"{name}PixelData", stored.tobytes())
    dataset.save_as(path)
    (picture,) = read_pictures(path, "x")
    inside = (stored >= min(-1200.5, kind(limit))) & (stored <= max(-1200.5, kind(limit)))
    expected = np.where(inside, 0, (stored - stored[~inside].min()) / np.ptp(stored[~inside]))
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-6)
