import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence

from retrieval.errors import PictureError
from retrieval.readers import read_pictures
from retrieval.readers.pseudonym import hashed
from retrieval.readers.window import Window

STORED = np.array([[0, 100, 200, 300, 400]], dtype=np.uint16)


def _item(**values):
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def _lut(first, bits, entries, kind="US"):
    """A table with its entries as numbers (US), words (OW), or two bytes to a word (OB)."""
    item = _item(LUTDescriptor=[len(entries), first, bits])
    if kind == "US":
        item.add_new("LUTData", "US", entries)
    else:
        item.add_new("LUTData", "OW", np.array(entries, "<u2" if kind == "OW" else "u1").tobytes())
    return item


def _write(path, pixels, **values):
    """Write (rows, cols) or (frames, rows, cols) as uncompressed DICOM."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = FileDataset(path, {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        dataset.NumberOfFrames = len(pixels)
    bits = 8 * pixels.dtype.itemsize
    dataset.BitsAllocated = bits
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    if pixels.dtype.kind == "f":
        setattr(dataset, "FloatPixelData" if bits == 32 else "DoubleFloatPixelData", pixels.tobytes())
    else:
        dataset.BitsStored, dataset.HighBit = bits, bits - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        dataset.PixelData = pixels.tobytes() + bytes(pixels.nbytes % 2)
        dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def _read(path, **kwargs):
    return list(read_pictures(path, path.name, **kwargs))


def _row(tmp_path, pixels=STORED, window="auto", **values):
    (picture,) = _read(_write(tmp_path / "x.dcm", pixels, **values), window=Window.parse(window))
    return picture.pixels[0]


def test_without_a_window_the_robust_range_is_shown(tmp_path):
    np.testing.assert_allclose(_row(tmp_path), [0, 0.25, 0.5, 0.75, 1])


def test_plain_8_bits_are_shown_as_they_are(tmp_path):
    np.testing.assert_allclose(_row(tmp_path, np.array([[0, 51, 102, 153]], np.uint8)), [0, 0.2, 0.4, 0.6])


def test_the_first_window_is_linear_as_the_standard_has_it(tmp_path):
    # PS3.3 C.11.2.1.2.1: ((x - (c - 0.5)) / (w - 1) + 0.5)
    shown = _row(tmp_path, WindowCenter=[200, 9], WindowWidth=[201, 9])
    np.testing.assert_allclose(shown, [0, 0.0025, 0.5025, 1, 1], atol=1e-6)


def test_a_window_one_wide_is_a_threshold(tmp_path):
    assert _row(tmp_path, WindowCenter=200, WindowWidth=1).tolist() == [0, 0, 1, 1, 1]


def test_the_exact_window_and_the_sigmoid(tmp_path):
    exact = _row(tmp_path, WindowCenter=200, WindowWidth=200, VOILUTFunction="LINEAR_EXACT")
    np.testing.assert_allclose(exact, [0, 0, 0.5, 1, 1])
    sigmoid = _row(tmp_path, WindowCenter=200, WindowWidth=200, VOILUTFunction="SIGMOID")
    np.testing.assert_allclose(sigmoid, 1 / (1 + np.exp(-4 * (STORED[0] - 200.0) / 200)), atol=1e-6)


def test_a_window_of_no_width_is_passed_over(tmp_path):
    np.testing.assert_allclose(_row(tmp_path, WindowCenter=200, WindowWidth=0), [0, 0.25, 0.5, 0.75, 1])


def test_of_several_windows_the_first_that_makes_sense_is_taken(tmp_path):
    shown = _row(tmp_path, WindowCenter=[40, 200.5, 100], WindowWidth=[0, 401, 50])
    np.testing.assert_allclose(shown, [0, 0.25, 0.5, 0.75, 1])


def test_slope_and_intercept_come_before_the_window(tmp_path):
    shown = _row(tmp_path, RescaleSlope=2, RescaleIntercept=-400, WindowCenter=0.5, WindowWidth=801)
    np.testing.assert_allclose(shown, [0, 0.25, 0.5, 0.75, 1])


def test_a_negative_slope_turns_the_picture_round(tmp_path):
    np.testing.assert_allclose(_row(tmp_path, RescaleSlope=-1, RescaleIntercept=0), [1, 0.75, 0.5, 0.25, 0])


def test_signed_values_are_signed(tmp_path):
    signed = STORED.astype(np.int16) - 200
    np.testing.assert_allclose(_row(tmp_path, signed), [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(_row(tmp_path, signed, window="0,200"), [0, 0, 0.5, 1, 1])


def test_monochrome1_is_inverted_once(tmp_path):
    white = {"PhotometricInterpretation": "MONOCHROME1"}
    np.testing.assert_allclose(_row(tmp_path, **white), [1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_allclose(
        _row(tmp_path, PresentationLUTShape="INVERSE", **white), [1, 0.75, 0.5, 0.25, 0]
    )
    np.testing.assert_allclose(_row(tmp_path, PresentationLUTShape="INVERSE"), [1, 0.75, 0.5, 0.25, 0])
    # As dcmtk, dcm4che and highdicom have it: the shape is that of the values, whatever they are called.
    np.testing.assert_allclose(_row(tmp_path, PresentationLUTShape="IDENTITY", **white), np.arange(5) / 4)
    np.testing.assert_allclose(_row(tmp_path, window="200,200", **white), [1, 1, 0.5, 0, 0])


def test_presets_are_for_ct_alone(tmp_path):
    ct = {"RescaleSlope": 1, "RescaleIntercept": -200, "Modality": "CT"}
    assert _row(tmp_path, window="brain", **ct).tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_allclose(_row(tmp_path, window="brain", **{**ct, "Modality": "MR"}), np.arange(5) / 4)
    assert _row(tmp_path, window="0,200", **{**ct, "Modality": "MR"}).tolist() == [0, 0, 0.5, 1, 1]


def test_full_ignores_the_window_of_the_file(tmp_path):
    shown = _row(tmp_path, window="full", WindowCenter=200, WindowWidth=3)
    np.testing.assert_allclose(shown, np.arange(5) / 4)


@pytest.mark.parametrize("kind", ["US", "OW", "OB"])
def test_a_modality_table_is_looked_up(tmp_path, kind):
    lut = _lut(100, 16, [10, 20, 50, 50], kind)
    lut.ModalityLUTType = "US"
    pixels = np.array([[0, 100, 101, 102, 9999]], dtype=np.uint16)
    shown = _row(tmp_path, pixels, window="full", ModalityLUTSequence=Sequence([lut]))
    np.testing.assert_allclose(shown, [0, 0, 0.25, 1, 1])


def test_a_voi_table_comes_before_the_window(tmp_path):
    lut = _lut(0, 8, [255, 0, 51, 102])
    values = {"VOILUTSequence": Sequence([lut]), "WindowCenter": 2, "WindowWidth": 2}
    pixels = np.array([[0, 1, 2, 3, 4]], dtype=np.uint16)
    np.testing.assert_allclose(_row(tmp_path, pixels, **values), [1, 0, 0.2, 0.4, 0.4], atol=1e-6)


def test_a_voi_table_counts_from_rescaled_values(tmp_path):
    lut = _lut(65536 - 100, 8, [0, 102, 255])  # -100 written as US
    values = {"VOILUTSequence": Sequence([lut]), "RescaleSlope": 1, "RescaleIntercept": -200}
    pixels = np.array([[0, 100, 101, 102, 300]], dtype=np.uint16)
    np.testing.assert_allclose(_row(tmp_path, pixels, **values), [0, 0, 0.4, 1, 1], atol=1e-6)


def test_padding_is_black_and_not_measured(tmp_path):
    pixels = np.array([[63536, 100, 200, 300, 300]], dtype=np.uint16).view(np.int16)  # -2000
    for value in (-2000, 63536):
        path = _write(tmp_path / "x.dcm", pixels)
        dataset = pydicom.dcmread(path)
        dataset.add_new("PixelPaddingValue", "SS" if value < 0 else "US", value)
        dataset.save_as(path)
        np.testing.assert_allclose(_read(path)[0].pixels[0], [0, 0, 0.5, 1, 1])
        dataset.PhotometricInterpretation = "MONOCHROME1"
        dataset.save_as(path)
        np.testing.assert_allclose(_read(path)[0].pixels[0], [0, 1, 0.5, 0, 0])


def test_a_frame_without_any_number_costs_no_other(tmp_path):
    pixels, damaged = np.array([[[0, 1]], [[np.nan, np.nan]], [[1, 0]]], np.float32), []
    found = _read(_write(tmp_path / "x.dcm", pixels), report=damaged.append)
    np.testing.assert_array_equal([p.pixels[0] for p in found], [[0, 1], [1, 0]])
    assert [(frame.number, frame.reason) for frame in damaged] == [(1, "no pixel has a finite value")]


def test_floats_are_read_and_nan_is_black(tmp_path):
    for kind in (np.float32, np.float64):
        pixels = np.array([[0, 0.5, 1, np.nan]], dtype=kind)
        np.testing.assert_allclose(_row(tmp_path, pixels), [0, 0.5, 1, 0])
        np.testing.assert_allclose(_row(tmp_path, pixels, WindowCenter=0.5, WindowWidth=1), [0, 0.5, 1, 0])
    with pytest.raises(PictureError, match="finite"):
        _row(tmp_path, np.full((2, 2), np.nan, np.float32))


def test_constant_pictures_are_finite(tmp_path):
    for window in ("auto", "full", "lung", "40,400"):
        shown = _row(tmp_path, np.full((3, 3), 7, np.uint16), window=window, Modality="CT")
        assert np.isfinite(shown).all()
        assert np.ptp(shown) == 0


def test_frames_are_pictures_and_share_one_window(tmp_path):
    pixels = np.arange(20, dtype=np.uint16)[:, None, None] * np.ones((3, 4), np.uint16)
    path = _write(tmp_path / "m.dcm", pixels)
    pictures = _read(path)
    assert [p.id for p in pictures] == [f"m.dcm#{i}" for i in range(20)]
    np.testing.assert_allclose([p.pixels[0, 0] for p in pictures], np.arange(20) / 19, atol=1e-6)
    assert [p.metadata["frame"] for p in pictures] == list(range(20))
    chosen = _read(path, frames={3, 11})
    assert [p.id for p in chosen] == ["m.dcm#3", "m.dcm#11"]
    np.testing.assert_array_equal(chosen[1].pixels, pictures[11].pixels)
    assert _read(path, frames=[]) == []
    with pytest.raises(PictureError, match="no frame 20; the file holds 20"):
        _read(path, frames=[20])


def test_every_frame_has_its_own_rescale_window_spacing_and_position(tmp_path):
    pixels = np.stack([STORED, STORED])
    frames = [
        _item(
            PixelValueTransformationSequence=[_item(RescaleSlope=slope, RescaleIntercept=0)],
            FrameVOILUTSequence=[_item(WindowCenter=200.5, WindowWidth=401)],
            PlanePositionSequence=[_item(ImagePositionPatient=[0, 0, z])],
        )
        for slope, z in ((1, 5), (2, -7.5))
    ]
    shared = _item(
        PixelMeasuresSequence=[_item(PixelSpacing=[0.5, 0.25])],
        PlaneOrientationSequence=[_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
    )
    path = _write(
        tmp_path / "e.dcm",
        pixels,
        PerFrameFunctionalGroupsSequence=Sequence(frames),
        SharedFunctionalGroupsSequence=Sequence([shared]),
    )
    one, two = _read(path)
    np.testing.assert_allclose(one.pixels[0], [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(two.pixels[0], [0, 0.5, 1, 1, 1])
    assert one.spacing == two.spacing == (0.5, 0.25)
    assert (one.metadata["position"], two.metadata["position"]) == (5, -7.5)


def test_spacing_is_that_of_the_pixels_else_of_the_detector_else_of_the_ultrasound(tmp_path):
    region = _item(
        RegionSpatialFormat=1,
        PhysicalUnitsXDirection=3,
        PhysicalUnitsYDirection=3,
        PhysicalDeltaX=0.02,
        PhysicalDeltaY=0.01,
    )
    values = {"SequenceOfUltrasoundRegions": Sequence([region])}
    steps = [({}, (0.1, 0.2)), ({"ImagerPixelSpacing": [3, 4]}, (3, 4)), ({"PixelSpacing": [1, 2]}, (1, 2))]
    for more, expected in steps:
        values |= more
        (picture,) = _read(_write(tmp_path / "s.dcm", STORED, **values))
        assert picture.spacing == pytest.approx(expected)
    (picture,) = _read(_write(tmp_path / "s.dcm", STORED, PixelSpacing=[0, 0]))
    assert picture.spacing is None


def test_position_is_measured_along_the_normal(tmp_path):
    values = {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "ImagePositionPatient": [12.5, 80, 90]}
    (picture,) = _read(_write(tmp_path / "p.dcm", STORED, **values))
    assert picture.metadata["position"] == -12.5


def test_groups_are_hashed_and_names_stay_outside(tmp_path):
    values = {"PatientName": "Doe^Jane", "PatientID": "P1", "StudyInstanceUID": "1.9", "Modality": "CT"}
    path = _write(tmp_path / "g.dcm", STORED, **values)
    (picture,) = _read(path, salt=b"s")
    assert picture.groups == {"patient": hashed(b"s", "patient", "P1"), "study": hashed(b"s", "study", "1.9")}
    assert "Doe" not in str(picture.metadata)
    assert (picture.metadata["rows"], picture.metadata["cols"]) == (1, 5)
