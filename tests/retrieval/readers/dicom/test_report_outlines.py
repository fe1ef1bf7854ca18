"""Outlines of structured reports: the pixels of the frame that they are drawn on."""

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from support.dicom_files import item, write_dicom

from retrieval.errors import PictureError
from retrieval.readers.dicom.regions import is_region_file, regions_of, target_of
from retrieval.readers.masks import MarkedImage, read_mask
from retrieval.region import Region

SHAPE = (20, 30)
BOX = [4, 3, 10, 3, 10, 9, 4, 9, 4, 3]
"""x, y from 4, 3 to 10, 9, closed."""
BOX_MASK = Region.box(3, 4, 6, 6).mask(SHAPE)


@pytest.fixture
def image(tmp_path):
    return write_dicom(
        tmp_path / "image.dcm", np.zeros(SHAPE, np.uint16), uid="1.2.4", FrameOfReferenceUID="1.2.9",
        ImagePositionPatient=[10, 20, 5], ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[2, 3],
    )  # fmt: skip


def _code(value):
    return [item(CodeValue=value, CodingSchemeDesignator="DCM", CodeMeaning="x")]


def _flat(kind, data, uid="1.2.4", code="111030", **values):
    reference = item(ReferencedSOPInstanceUID=uid, **values)
    below = item(ValueType="IMAGE", ReferencedSOPSequence=[reference])
    return item(
        ValueType="SCOORD", GraphicType=kind, GraphicData=data, ConceptNameCodeSequence=_code(code),
        ContentSequence=[below],
    )  # fmt: skip


def _spatial(kind, data, frame="1.2.9"):
    return item(
        ValueType="SCOORD3D", GraphicType=kind, GraphicData=data, ReferencedFrameOfReferenceUID=frame,
        ConceptNameCodeSequence=_code("111030"),
    )  # fmt: skip


def _report(tmp_path, *outlines, label="lesion"):
    name = item(ValueType="TEXT", TextValue=label, ConceptNameCodeSequence=_code("112039"))
    group = item(ValueType="CONTAINER", ContentSequence=[name, *outlines])
    report = Dataset()
    report.SOPClassUID, report.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.5"
    report.Modality = "SR"
    report.ContentSequence = [item(ValueType="CONTAINER", ContentSequence=[group])]
    path = tmp_path / "report.dcm"
    report.save_as(path, implicit_vr=False, little_endian=True)
    return path


def _masks(path, image):
    return [region.mask for region in regions_of(path, target_of(image, 0))]


def test_a_closed_line_outlines_what_is_in_it(tmp_path, image):
    path = _report(tmp_path, _flat("POLYLINE", BOX, code="1"))
    assert is_region_file(path)
    (found,) = regions_of(path, target_of(image, 0))
    assert (found.number, found.label) == (1, "lesion")
    np.testing.assert_array_equal(found.mask, BOX_MASK)
    np.testing.assert_array_equal(read_mask(path, MarkedImage(SHAPE, path=lambda: image)), BOX_MASK)


def test_a_line_that_is_open_is_an_outline_if_it_is_called_one(tmp_path, image):
    assert _masks(_report(tmp_path, _flat("POLYLINE", BOX[:-2], code="121206")), image) == []
    (mask,) = _masks(_report(tmp_path, _flat("POLYLINE", BOX[:-2])), image)
    np.testing.assert_array_equal(mask, BOX_MASK)


def test_circles_and_ellipses_have_their_areas(tmp_path, image):
    circle = _flat("CIRCLE", [15, 10, 15, 16])
    ellipse = _flat("ELLIPSE", [5, 10, 25, 10, 15, 6, 15, 14])
    first, second = _masks(_report(tmp_path, circle, ellipse), image)
    assert first.sum() == pytest.approx(np.pi * 36, rel=0.05)
    assert second.sum() == pytest.approx(np.pi * 10 * 4, rel=0.05)
    # x to the right: wider than high.
    rows, cols = np.nonzero(second)
    assert (np.ptp(cols), np.ptp(rows)) == (19, 7)


def test_places_in_space_are_on_the_slice_that_they_are_in(tmp_path, image):
    # The centre of pixel (row, col) is at 10 + 3 col, 20 + 2 row.
    corners = [(10 + 3 * (x - 0.5), 20 + 2 * (y - 0.5)) for x, y in zip(BOX[::2], BOX[1::2], strict=True)]
    here = [value for x, y in corners for value in (x, y, 5)]
    above = [value for x, y in corners for value in (x, y, 9)]
    outlines = (_spatial("POLYGON", above), _spatial("POLYGON", here), _spatial("POLYGON", here, "1.2.8"))
    (found,) = regions_of(_report(tmp_path, *outlines), target_of(image, 0))
    assert found.number == 2
    np.testing.assert_array_equal(found.mask, BOX_MASK)


@pytest.mark.parametrize(
    "outline",
    [
        _flat("POLYLINE", BOX, uid="1.2.7"),
        _flat("POLYLINE", BOX, ReferencedFrameNumber=2),
        _flat("POINT", [4, 3]),
        _flat("POLYLINE", [4, 3, 10, 3]),
        _flat("POLYLINE", BOX[:-1]),
        _flat("CIRCLE", [4, 3]),
        _flat("MULTIPOINT", BOX),
    ],
    ids=["another image", "another frame", "point", "length", "odd", "half a circle", "points"],
)
def test_what_outlines_nothing_here_is_left_out(tmp_path, image, outline):
    assert _masks(_report(tmp_path, outline), image) == []


def test_an_outline_on_a_whole_slide_is_on_each_tile_that_it_crosses(tmp_path):
    slide = write_dicom(
        tmp_path / "slide.dcm", np.zeros((6, 20, 30), np.uint8), uid="1.2.4",
        TotalPixelMatrixColumns=90, TotalPixelMatrixRows=40,
    )  # fmt: skip
    # x from 54 to 70, y from 23 to 29: on the lower tiles in the middle (frame 4) and on the right (5).
    path = _report(tmp_path, _flat("POLYLINE", [54, 23, 70, 23, 70, 29, 54, 29, 54, 23]))
    report = dcmread(path, force=True)
    outline = report.ContentSequence[0].ContentSequence[0].ContentSequence[1]
    outline.PixelOriginInterpretation = "VOLUME"
    report.save_as(path, implicit_vr=False, little_endian=True)
    found = {n: regions_of(path, target_of(slide, n)) for n in range(6)}
    assert [n for n, regions in found.items() if regions] == [4, 5]
    np.testing.assert_array_equal(found[4][0].mask, Region.box(3, 24, 6, 6).mask(SHAPE))
    np.testing.assert_array_equal(found[5][0].mask, Region.box(3, 0, 6, 10).mask(SHAPE))
    nowhere = write_dicom(tmp_path / "nowhere.dcm", np.zeros((6, 20, 30), np.uint8), uid="1.2.4")
    with pytest.raises(PictureError, match="give the outline on the frame"):
        regions_of(path, target_of(nowhere, 0))
