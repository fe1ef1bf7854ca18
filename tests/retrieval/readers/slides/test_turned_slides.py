"""Slides whose file says that they are turned or mirrored are shown upright, at every scale."""

import numpy as np
import pytest
import tifffile
from support.slides import tissue_image

from retrieval.readers import read_pictures
from retrieval.readers.slides.opening import open_slide

IMAGE = tissue_image(300, 450, 2)
# TIFF 6.0, Orientation: where the first row and the first column of what is stored are.
STORED = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, 1),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: np.rot90(image, -1),
}


def _write(path, orientation, is_ome=False):
    how = {"tile": (128, 128), "photometric": "rgb", "compression": "deflate",
           "extratags": [(274, "H", 1, orientation)]}  # fmt: skip
    # Of pixels that are twice as long along the stored rows.
    scale = {"resolution": (10_000, 20_000), "resolutionunit": 3}
    um = {"axes": "YXS", "PhysicalSizeX": 1.0, "PhysicalSizeY": 0.5}
    with tifffile.TiffWriter(path, ome=is_ome) as file:
        about = {"subifds": 1, "metadata": um} if is_ome else {"metadata": None}
        file.write(np.ascontiguousarray(STORED[orientation](IMAGE)), **about, **how, **scale)
        small = np.ascontiguousarray(STORED[orientation](IMAGE[::2, ::2]))
        file.write(small, subfiletype=1, metadata=None, **how)
    return path


@pytest.mark.parametrize("is_ome", [False, True])
@pytest.mark.parametrize("orientation", STORED)
def test_a_turned_slide_is_upright(tmp_path, orientation, is_ome):
    path = _write(tmp_path / ("x.ome.tif" if is_ome else "x.tif"), orientation, is_ome)
    (whole,) = read_pictures(path, "x")
    np.testing.assert_array_equal(whole.pixels, IMAGE / np.float32(255))
    with open_slide(path) as slide:
        spacing = slide.about.spacing
        assert spacing == pytest.approx((1.0, 0.5) if orientation < 5 else (0.5, 1.0))
        assert [(level.rows, level.cols) for level in slide.levels] == [(300, 450), (150, 225)]
        for box in ((0, 0, 300, 450), (0, 0, 128, 128), (128, 256, 128, 128), (33, 307, 211, 90)):
            top, left, rows, cols = box
            np.testing.assert_array_equal(slide.read(0, box), IMAGE[top : top + rows, left : left + cols])
        np.testing.assert_array_equal(slide.read(1, (10, 20, 70, 190)), IMAGE[20:160:2, 40:420:2])
