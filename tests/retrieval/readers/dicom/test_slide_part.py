"""Regions on a tile at another scale than the frames of its DICOM slide."""

import numpy as np
import pytest
from support.dicom_files import item, write_dicom

from retrieval.errors import PictureError
from retrieval.readers.dicom import slide_part
from retrieval.readers.masks import MarkedImage, read_mask

SEG = "1.2.840.10008.5.1.4.1.1.66.4"
WHOLE = np.zeros((48, 64), np.uint8)
WHOLE[10:30, 5:40] = 1


def _write(path, matrix, um_per_px=0.5, **values):
    tiles = matrix.reshape(3, 16, 4, 16).swapaxes(1, 2).reshape(12, 16, 16)
    measures = item(PixelMeasuresSequence=[item(PixelSpacing=[um_per_px / 1000] * 2)])
    return write_dicom(
        path, tiles, FrameOfReferenceUID="1.2.9", TotalPixelMatrixColumns=64, TotalPixelMatrixRows=48,
        DimensionOrganizationType="TILED_FULL", SharedFunctionalGroupsSequence=[measures], **values,
    )  # fmt: skip


@pytest.fixture
def segmentation(tmp_path):
    segments = [item(SegmentNumber=1, SegmentLabel="tumour")]
    return _write(tmp_path / "seg.dcm", WHOLE, sop=SEG, uid="1.2.5", SegmentSequence=segments)


def _tile(path, um_per_px, x, y, width, height, shape):
    box = {"um_per_px": um_per_px, "x": x, "y": y, "width": width, "height": height}
    return MarkedImage(shape, True, metadata=box, path=lambda: path)


@pytest.mark.parametrize(
    ("um_per_px", "box", "shape", "wanted"),
    [
        (0.5, (16, 16, 16, 16), (16, 16), (slice(0, 14), slice(0, 16))),  # frame 5
        (0.5, (24, 20, 20, 20), (20, 20), (slice(0, 10), slice(0, 16))),  # over frames 5, 6, 9 and 10
        (1.0, (0, 0, 64, 48), (24, 32), (slice(5, 15), slice(2, 20))),  # half the scale, all frames
        (0.25, (4, 8, 8, 8), (16, 16), (slice(4, 16), slice(2, 16))),  # twice the scale
    ],
)
def test_a_tile_is_marked_where_it_is_on_its_slide(tmp_path, segmentation, um_per_px, box, shape, wanted):
    slide = _write(tmp_path / "slide.dcm", 0 * WHOLE)
    expected = np.zeros(shape, bool)
    expected[wanted] = True
    found = read_mask(segmentation, _tile(slide, um_per_px, *box, shape))
    np.testing.assert_array_equal(found, expected)


def test_a_tile_without_a_mark_or_a_known_place_is_refused(tmp_path, segmentation, monkeypatch):
    slide = _write(tmp_path / "slide.dcm", 0 * WHOLE)
    with pytest.raises(PictureError, match="none of its regions refers to this image"):
        read_mask(segmentation, _tile(slide, 0.5, 48, 32, 16, 16, (16, 16)))
    # The box is counted in pixels of a finer level than that of the file.
    with pytest.raises(PictureError, match="does not say where the tile is on it; give an image of the"):
        read_mask(segmentation, _tile(slide, 0.5, 32, 32, 32, 32, (16, 16)))
    monkeypatch.setattr(slide_part, "_MOST_FRAMES", 3)
    with pytest.raises(PictureError, match="reaches over 4 frames of its file; give an image"):
        read_mask(segmentation, _tile(slide, 0.5, 24, 20, 20, 20, (20, 20)))
