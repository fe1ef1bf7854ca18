"""Where the frames of one file are, and the slices of a mosaic."""

import numpy as np
import pytest
from support.dicom_files import item, texture, write_dicom

from retrieval.errors import PictureError
from retrieval.readers import PassedOverError, read_pictures

AXIAL = {"ImagePositionPatient": [0, 0, 10], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
FRAMES = np.stack([texture(n) for n in range(4)])
DOSE = "1.2.840.10008.5.1.4.1.1.481.2"


def _positions(tmp_path, **values):
    path = write_dicom(tmp_path / "x.dcm", FRAMES, **values)
    return [picture.metadata.get("position") for picture in read_pictures(path, path.name)]


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        ([0, -30, -60, -90], [10, -20, -50, -80]),
        ([0, 2.5, 5, 7.5], [10, 12.5, 15, 17.5]),
        ([10, 12, 14, 16], [10, 12, 14, 16]),  # absolute
    ],
)
def test_dose_planes_are_at_their_offsets(tmp_path, offsets, expected):
    assert _positions(tmp_path, sop=DOSE, GridFrameOffsetVector=offsets, **AXIAL) == expected


def test_offsets_of_another_number_of_frames_give_no_position(tmp_path):
    """All frames in one place would make one slice of them when neighbours are collapsed."""
    assert _positions(tmp_path, sop=DOSE, GridFrameOffsetVector=[0, 3, 6], **AXIAL) == [None] * 4


def test_offsets_run_along_the_normal_of_slices_that_are_not_axial(tmp_path):
    sagittal = {"ImagePositionPatient": [7, 0, 0], "ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}
    # The normal of rows to the back and columns to the feet points to the patient's right.
    assert _positions(tmp_path, sop=DOSE, GridFrameOffsetVector=[0, 1, 2, 3], **sagittal) == [-7, -6, -5, -4]


@pytest.mark.parametrize("step", [4.0, -4.0])
def test_frames_are_apart_by_the_spacing_between_slices(tmp_path, step):
    expected = [10 + step * n for n in range(4)]
    assert _positions(tmp_path, SpacingBetweenSlices=step, **AXIAL) == expected


def test_nuclear_medicine_keeps_its_place_with_the_detector_and_its_order_in_a_vector(tmp_path):
    values = {"SpacingBetweenSlices": -2.0, "SliceVector": [4, 3, 2, 1], "FrameIncrementPointer": 0x00540080}
    assert _positions(tmp_path, DetectorInformationSequence=[item(**AXIAL)], **values) == [4, 6, 8, 10]


def test_volumes_of_ultrasound_have_places_of_their_own(tmp_path):
    groups = [
        item(
            PlanePositionVolumeSequence=[item(ImagePositionVolume=[0, 0, 1.5 * n])],
            PlaneOrientationVolumeSequence=[item(ImageOrientationVolume=[1, 0, 0, 0, 1, 0])],
        )
        for n in range(4)
    ]
    assert _positions(tmp_path, PerFrameFunctionalGroupsSequence=groups) == [0, 1.5, 3, 4.5]


def test_an_empty_item_of_a_functional_group_counts_as_none(tmp_path):
    own = [item(PlanePositionSequence=[item()]) for _ in range(4)]
    shared = [
        item(PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 5])], FrameVOILUTSequence=[item()])
    ]
    values = {"PerFrameFunctionalGroupsSequence": own, "SharedFunctionalGroupsSequence": shared}
    assert _positions(tmp_path, **AXIAL, **values) == [5] * 4
    path = write_dicom(tmp_path / "x.dcm", FRAMES, WindowCenter=64, WindowWidth=128, **values)
    shown = next(iter(read_pictures(path, path.name))).pixels
    # PS3.3 C.11.2.1.2.1: ((x - 63.5) / 127 + 0.5), clipped.
    np.testing.assert_allclose(shown, np.clip((FRAMES[0] - 63.5) / 127 + 0.5, 0, 1), atol=1e-6)


def test_frames_over_time_are_in_one_place(tmp_path):
    values = {"SpacingBetweenSlices": 4.0, "FrameIncrementPointer": 0x00181063, "FrameTime": 40}
    assert _positions(tmp_path, **values, **AXIAL) == [10] * 4


def test_a_number_of_frames_that_cannot_be_read_is_one(tmp_path):
    path = write_dicom(tmp_path / "x.dcm", texture(), NumberOfFrames="1")
    at = path.read_bytes().index(b"\x28\x00\x08\x00IS") + 8
    data = bytearray(path.read_bytes())
    data[at : at + 2] = b"x "
    path.write_bytes(data)
    assert len(list(read_pictures(path, "x.dcm"))) == 1


def _mosaic(tmp_path, n, tiles, how):
    side = 3
    sheet = np.zeros((side * 16, side * 16), np.uint16)
    for k, tile in enumerate(tiles):
        sheet[k // side * 16 : k // side * 16 + 16, k % side * 16 : k % side * 16 + 16] = tile
    path = write_dicom(
        tmp_path / "x.dcm", sheet, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"],
        SpacingBetweenSlices=4.0, Modality="MR", **AXIAL,
    )  # fmt: skip
    import pydicom

    dataset = pydicom.dcmread(path)
    if how == "element":
        dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", n)
    if how == "csa":
        name = b"NumberOfImagesInMosaic".ljust(64, b"\0")
        text = str(n).encode().ljust(12, b"\0")
        csa = b"SV10" + bytes(12) + name + bytes(20) + bytes(16) + text
        dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", csa)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("how", ["element", "csa"])
def test_a_mosaic_is_unfolded_into_its_slices(tmp_path, how):
    tiles = [texture(n, top=4095) for n in range(7)]
    pictures = list(read_pictures(_mosaic(tmp_path, 7, tiles, how), "x.dcm"))
    assert [p.id for p in pictures] == [f"x.dcm#{n}" for n in range(7)]
    assert [p.metadata["position"] for p in pictures] == [10 + 4.0 * n for n in range(7)]
    low, high = np.min(tiles), np.max(tiles)
    np.testing.assert_allclose(pictures[4].pixels, (tiles[4] - low) / (high - low), atol=0.01)
    (one,) = read_pictures(_mosaic(tmp_path, 7, tiles, how), "x.dcm", frames=[4])
    np.testing.assert_array_equal(one.pixels, pictures[4].pixels)


def test_a_mosaic_that_does_not_say_how_many_slices_it_shows_is_passed_over(tmp_path):
    with pytest.raises(PassedOverError, match="mosaic"):
        list(read_pictures(_mosaic(tmp_path, 7, [], "nothing"), "x.dcm"))
    with pytest.raises(PictureError, match="there is no frame 7"):
        list(read_pictures(_mosaic(tmp_path, 7, [], "element"), "x.dcm", frames=[7]))
