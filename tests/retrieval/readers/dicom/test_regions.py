"""DICOM segmentations and structure sets: the pixels of the frame that they refer to."""

import numpy as np
import pytest
from pydicom import dcmread
from support.dicom_files import item, write_dicom

from retrieval.errors import PictureError
from retrieval.readers.dicom.regions import is_region_file, regions_of, target_of
from retrieval.readers.masks import MarkedImage, read_mask

SEG, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"
SHAPE = (12, 16)
PLANE = {
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "PixelSpacing": [2, 3],
    "FrameOfReferenceUID": "1.2.9",
}


def _image(tmp_path, n):
    corner = [10, 20, 5 * n]
    path = tmp_path / f"{n}.dcm"
    return write_dicom(path, np.zeros(SHAPE, np.uint16), uid=f"1.2.{n}", ImagePositionPatient=corner, **PLANE)


def _box(top, left, bottom, right, value=1):
    mask = np.zeros(SHAPE, np.uint8)
    mask[top:bottom, left:right] = value
    return mask


def _segmentation(tmp_path, frames, *, refers=True, **values):
    """Write a segmentation of (segment, image, mask)."""
    groups = []
    for segment, image, _ in frames:
        group = item(PlanePositionSequence=[item(ImagePositionPatient=[10, 20, 5 * image])])
        if segment:
            group.SegmentIdentificationSequence = [item(ReferencedSegmentNumber=segment)]
        if refers:
            source = item(ReferencedSOPInstanceUID=f"1.2.{image}")
            group.DerivationImageSequence = [item(SourceImageSequence=[source])]
        groups.append(group)
    shared = item(PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])])
    return write_dicom(
        tmp_path / "seg.dcm", np.stack([mask for *_, mask in frames]), Modality="SEG",
        SegmentSequence=[item(SegmentNumber=n, SegmentLabel=f"part {n}") for n in (1, 2)],
        SharedFunctionalGroupsSequence=[shared], PerFrameFunctionalGroupsSequence=groups,
        **{"sop": SEG, "FrameOfReferenceUID": "1.2.9", **values},
    )  # fmt: skip


@pytest.mark.parametrize("refers", [True, False], ids=["by reference", "by place"])
def test_the_segments_of_a_frame_are_found(tmp_path, refers):
    frames = [(1, 0, _box(0, 0, 3, 3)), (2, 4, _box(2, 5, 6, 9)), (1, 4, _box(5, 5, 9, 9, 200))]
    path = _segmentation(tmp_path, frames, refers=refers, SegmentationType="FRACTIONAL")
    assert is_region_file(path)
    found = regions_of(path, target_of(_image(tmp_path, 4), 0))
    assert [(r.number, r.label) for r in found] == [(1, "part 1"), (2, "part 2")]
    np.testing.assert_array_equal(found[0].mask, _box(5, 5, 9, 9) > 0)
    np.testing.assert_array_equal(found[1].mask, _box(2, 5, 6, 9) > 0)
    assert regions_of(path, target_of(_image(tmp_path, 3), 0)) == []


def test_the_values_of_a_label_map_are_its_segments(tmp_path):
    labels = _box(0, 0, 3, 3) + _box(4, 4, 9, 9, 2)
    path = _segmentation(tmp_path, [(0, 1, labels)], sop=LABEL_MAP, SegmentationType="LABELMAP")
    found = regions_of(path, target_of(_image(tmp_path, 1), 0))
    assert [r.number for r in found] == [1, 2]
    np.testing.assert_array_equal(found[1].mask, labels == 2)


def test_a_segmentation_is_a_mask_and_its_parts_can_be_named(tmp_path):
    frames = [(1, 4, _box(0, 0, 3, 3)), (2, 4, _box(5, 5, 9, 9))]
    path, other = _segmentation(tmp_path, frames), _image(tmp_path, 4)
    image = MarkedImage(SHAPE, path=lambda: other)
    np.testing.assert_array_equal(read_mask(path, image), (frames[0][2] | frames[1][2]) > 0)
    for name in ("2", "part 2"):
        found = read_mask(path.with_name(f"seg.dcm#{name}"), image)
        np.testing.assert_array_equal(found, frames[1][2] > 0)
    with pytest.raises(PictureError, match=r"it has 1 \(part 1\), 2 \(part 2\)"):
        read_mask(path.with_name("seg.dcm#liver"), image)
    elsewhere = _image(tmp_path, 3)
    with pytest.raises(PictureError, match="none of its regions refers to this image"):
        read_mask(path, MarkedImage(SHAPE, path=lambda: elsewhere))


def _contour(corners, image, refers):
    # x = 10 + 3 · col, y = 20 + 2 · row: the inverse of the pixel spacing and corner above.
    data = [v for row, col in corners for v in (10 + 3 * col, 20 + 2 * row, 5.0 * image)]
    contour = item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=len(corners), ContourData=data)
    if refers:
        contour.ContourImageSequence = [item(ReferencedSOPInstanceUID=f"1.2.{image}")]
    return contour


@pytest.mark.parametrize("refers", [True, False], ids=["by reference", "by place"])
def test_contours_are_filled_and_those_within_are_holes(tmp_path, refers):
    outer = [(0.5, 1.5), (0.5, 10.5), (9.5, 10.5), (9.5, 1.5)]
    inner = [(3.5, 4.5), (3.5, 7.5), (6.5, 7.5), (6.5, 4.5)]
    contours = [_contour(outer, 4, refers), _contour(inner, 4, refers), _contour(outer, 0, refers)]
    path = write_dicom(
        tmp_path / "rt.dcm", np.zeros((1, 1), np.uint8), sop=STRUCTURES, Modality="RTSTRUCT",
        StructureSetROISequence=[item(ROINumber=7, ROIName="lung", ReferencedFrameOfReferenceUID="1.2.9")],
        ROIContourSequence=[item(ReferencedROINumber=7, ContourSequence=contours)],
    )  # fmt: skip
    (found,) = regions_of(path, target_of(_image(tmp_path, 4), 0))
    expected = _box(1, 2, 10, 11) > 0
    expected[4:7, 5:8] = False
    assert (found.number, found.label) == (7, "lung")
    np.testing.assert_array_equal(found.mask, expected)


@pytest.mark.parametrize(("named", "on"), [(None, [2]), (2, [1])])
def test_a_contour_of_a_file_of_several_frames_is_on_one_of_them(tmp_path, named, on):
    places = [item(PlanePositionSequence=[item(ImagePositionPatient=[10, 20, 5 * n])]) for n in range(4)]
    frames = np.zeros((4, *SHAPE), np.uint16)
    image = write_dicom(
        tmp_path / "x.dcm", frames, uid="1.2.2", PerFrameFunctionalGroupsSequence=places, **PLANE
    )
    contour = _contour([(0.5, 1.5), (0.5, 10.5), (9.5, 10.5)], 2, refers=True)
    if named:
        contour.ContourImageSequence[0].ReferencedFrameNumber = named
    path = write_dicom(
        tmp_path / "rt.dcm", np.zeros((1, 1), np.uint8), sop=STRUCTURES, Modality="RTSTRUCT",
        StructureSetROISequence=[item(ROINumber=7, ROIName="lung", ReferencedFrameOfReferenceUID="1.2.9")],
        ROIContourSequence=[item(ReferencedROINumber=7, ContourSequence=[contour])],
    )  # fmt: skip
    assert [n for n in range(4) if regions_of(path, target_of(image, n))] == on


@pytest.mark.parametrize(
    ("where", "is_found"),
    [
        ({"FrameOfReferenceUID": "1.2.9"}, True),
        ({"ReferencedFrameOfReferenceSequence": [item(FrameOfReferenceUID="1.2.9")]}, True),
        ({"FrameOfReferenceUID": "1.2.10"}, False),  # another patient, with slices at the same heights
        ({}, False),
    ],
)
def test_places_count_in_their_own_frame_of_reference_only(tmp_path, where, is_found):
    contour = _contour([(0.5, 1.5), (0.5, 10.5), (9.5, 10.5)], 4, refers=False)
    contours = {
        "StructureSetROISequence": [item(ROINumber=7, ROIName="lung")],
        "ROIContourSequence": [item(ReferencedROINumber=7, ContourSequence=[contour])],
    }
    nothing = np.zeros((1, 1), np.uint8)
    path = write_dicom(tmp_path / "rt.dcm", nothing, sop=STRUCTURES, **contours, **where)
    target = target_of(_image(tmp_path, 4), 0)
    assert [found.label for found in regions_of(path, target)] == (["lung"] if is_found else [])
    if "ReferencedFrameOfReferenceSequence" not in where:
        frame = where.get("FrameOfReferenceUID", "")
        seg = _segmentation(tmp_path, [(1, 4, _box(0, 0, 3, 3))], refers=False, FrameOfReferenceUID=frame)
        assert bool(regions_of(seg, target)) == is_found


def _on_another_grid(tmp_path, mask, corner, axes, spacing, *, refers=True):
    group = item(
        PlanePositionSequence=[item(ImagePositionPatient=corner)],
        SegmentIdentificationSequence=[item(ReferencedSegmentNumber=1)],
    )
    if refers:
        source = item(ReferencedSOPInstanceUID="1.2.4")
        group.DerivationImageSequence = [item(SourceImageSequence=[source])]
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=axes)],
        PixelMeasuresSequence=[item(PixelSpacing=spacing)],
    )
    return write_dicom(
        tmp_path / "seg.dcm", mask, sop=SEG, Modality="SEG", FrameOfReferenceUID="1.2.9",
        SegmentSequence=[item(SegmentNumber=1, SegmentLabel="part")],
        SharedFunctionalGroupsSequence=[shared], PerFrameFunctionalGroupsSequence=[group],
    )  # fmt: skip


UPRIGHT, TURNED = [1, 0, 0, 0, 1, 0], [-1, 0, 0, 0, -1, 0]
MIRRORED = [-1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize("refers", [True, False], ids=["by reference", "by place"])
@pytest.mark.parametrize(
    ("axes", "corner", "spacing", "wanted"),
    [
        (UPRIGHT, [10, 20, 20], [2, 3], _box(2, 3, 5, 9)),
        (UPRIGHT, [10.05, 20.05, 20], [2, 3], _box(2, 3, 5, 9)),  # less than a tenth of a pixel away
        # Counted from the last pixel, as files made from masks in NIfTI are; or from the end of each row.
        (TURNED, [10 + 15 * 3, 20 + 11 * 2, 20], [2, 3], _box(12 - 5, 16 - 9, 12 - 2, 16 - 3)),
        (MIRRORED, [10 + 15 * 3, 20, 20], [2, 3], _box(2, 16 - 9, 5, 16 - 3)),
        (UPRIGHT, [10 + 4 * 3, 20 + 6 * 2, 20], [2, 3], _box(8, 7, 11, 13)),
        (UPRIGHT, [10 - 4 * 3, 20 - 3 * 2, 20], [2, 3], _box(0, 0, 2, 5)),  # a part of it is outside
        (UPRIGHT, [10 + 1.5, 20 + 1, 20], [4, 6], _box(4, 6, 10, 16)),  # pixels twice as large
    ],
    ids=["same", "nearly", "turned", "mirrored", "shifted", "outside", "coarse"],
)
def test_a_segmentation_marks_the_pixels_at_its_place(tmp_path, axes, corner, spacing, wanted, refers):
    path = _on_another_grid(tmp_path, _box(2, 3, 5, 9), corner, axes, spacing, refers=refers)
    (region,) = regions_of(path, target_of(_image(tmp_path, 4), 0))
    np.testing.assert_array_equal(region.mask, wanted > 0)


def test_a_finer_segmentation_of_another_size_marks_the_pixels_at_its_place(tmp_path):
    mask = np.zeros((24, 32), np.uint8)
    mask[4:10, 6:18] = 1
    path = _on_another_grid(tmp_path, mask, [10 - 0.75, 20 - 0.5, 20], UPRIGHT, [1, 1.5])
    (region,) = regions_of(path, target_of(_image(tmp_path, 4), 0))
    np.testing.assert_array_equal(region.mask, _box(2, 3, 5, 9) > 0)


def test_a_segmentation_in_a_plane_that_crosses_is_refused(tmp_path):
    other = _image(tmp_path, 4)
    path = _on_another_grid(tmp_path, _box(2, 3, 5, 9), [10, 20, 20], [1, 0, 0, 0, 0, -1], [2, 3])
    with pytest.raises(PictureError, match=r"seg\.dcm: its planes cross those of the image; resample"):
        read_mask(path, MarkedImage(SHAPE, path=lambda: other))


def test_tiles_of_another_level_of_a_slide_are_not_meant(tmp_path):
    def level(name, side, spacing, mask, **values):
        measures = item(PixelMeasuresSequence=[item(PixelSpacing=[spacing, spacing])])
        return write_dicom(
            tmp_path / name, mask, FrameOfReferenceUID="1.2.9", DimensionOrganizationType="TILED_FULL",
            TotalPixelMatrixColumns=side, TotalPixelMatrixRows=side,
            SharedFunctionalGroupsSequence=[measures], **values,
        )  # fmt: skip

    slide = level("slide.dcm", 16, 0.001, np.zeros((4, 8, 8), np.uint8))
    segments = {"sop": SEG, "SegmentSequence": [item(SegmentNumber=1, SegmentLabel="part")]}
    mask = np.eye(8, dtype=np.uint8)
    same = level("same.dcm", 16, 0.001, np.stack([mask, *[0 * mask] * 3]), **segments)
    assert regions_of(same, target_of(slide, 0))[0].mask.sum() == 8
    assert regions_of(level("other.dcm", 8, 0.002, mask, **segments), target_of(slide, 0)) == []


def _with_sources(tmp_path, form):
    """Write a segmentation of two planes, 2.4 mm beside images 3 and 4; each names images 2 to 4."""
    marks = [(1, 3, _box(0, 0, 3, 3)), (1, 4, _box(5, 5, 9, 9))]
    dataset = dcmread(path := _segmentation(tmp_path, marks, refers=False))
    sources = [item(ReferencedSOPInstanceUID=f"1.2.{image}") for image in (2, 3, 4)]
    parts = [sources[:1], sources[1:]] if form == "several items" else [sources]
    derived = [item(SourceImageSequence=part) for part in parts]
    frames, (shared,) = dataset.PerFrameFunctionalGroupsSequence, dataset.SharedFunctionalGroupsSequence
    for group in [shared] if form == "shared" else frames:
        group.DerivationImageSequence = derived
    for group in frames:
        group.PlanePositionSequence[0].ImagePositionPatient[2] += 2.4
    shared.PixelMeasuresSequence = [item(PixelSpacing=[2, 3], SliceThickness=5)]
    dataset.save_as(path)
    return path


@pytest.mark.parametrize("form", ["one item", "several items", "shared"])
def test_of_a_frame_that_names_several_images_the_place_decides(tmp_path, form):
    path = _with_sources(tmp_path, form)
    found = [regions_of(path, target_of(_image(tmp_path, n), 0)) for n in range(6)]
    assert [len(regions) for regions in found] == [0, 0, 0, 1, 1, 0]
    assert (found[3][0].mask == _box(0, 0, 3, 3)).all() and (found[4][0].mask == _box(5, 5, 9, 9)).all()


def test_a_tile_that_names_a_whole_slide_marks_that_tile_alone(tmp_path):
    matrix = {"TotalPixelMatrixColumns": 16, "TotalPixelMatrixRows": 8, "FrameOfReferenceUID": "1.2.9"}
    derived = item(SourceImageSequence=[item(ReferencedSOPInstanceUID="1.2.3")])
    marks = np.stack([np.eye(8), np.ones((8, 8))]).astype(np.uint8)
    slide = write_dicom(tmp_path / "slide.dcm", np.zeros((2, 8, 8), np.uint8), uid="1.2.3", **matrix)
    path = write_dicom(
        tmp_path / "seg.dcm", marks, sop=SEG, SegmentSequence=[item(SegmentNumber=1)],
        SharedFunctionalGroupsSequence=[item(DerivationImageSequence=[derived])], **matrix,
    )  # fmt: skip
    assert [regions_of(path, target_of(slide, n))[0].mask.sum() for n in (0, 1)] == [8, 64]
