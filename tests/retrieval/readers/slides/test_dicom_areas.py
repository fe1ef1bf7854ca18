"""Slides in DICOM with several scanned areas in one series: each file has the pixels of its own."""

from __future__ import annotations

import numpy as np
import pytest
from support.slides import tissue_image, write_dicom_slide

from retrieval.readers.slides.opening import open_slide

pytest.importorskip("wsidicom")
FIRST, SECOND = tissue_image(512, 768, 5), tissue_image(256, 512, 6)


def _at(x: float, y: float):
    from pydicom.dataset import Dataset

    origin = Dataset()
    origin.XOffsetInSlideCoordinateSystem, origin.YOffsetInSlideCoordinateSystem = x, y
    return [origin]


@pytest.mark.parametrize("places", [((10, 10), (20, 30)), ((0, 0), (0, 0))])
def test_each_area_of_a_series_is_read_by_its_own_file(tmp_path, places) -> None:
    images = {"a.dcm": FIRST, "b.dcm": SECOND}
    for (name, image), place in zip(images.items(), places, strict=True):
        write_dicom_slide(tmp_path / name, image, TotalPixelMatrixOriginSequence=_at(*place))
    for name, image in images.items():
        with open_slide(tmp_path / name) as slide:
            assert slide is not None
            (level,) = slide.levels
            assert (level.rows, level.cols) == image.shape[:2]
            assert np.array_equal(slide.read(0, (0, 0, level.rows, level.cols)), image)
