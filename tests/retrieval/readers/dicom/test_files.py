import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from support.dicom_files import texture, write_dicom

from retrieval.errors import PictureError
from retrieval.readers import NotAPictureError, read_pictures
from retrieval.readers.limits import Limits

FILES = Path(pydicom.__file__).parent / "data/test_files"


def _read(path, **kwargs):
    return list(read_pictures(path, path.name, **kwargs))


@pytest.mark.parametrize(
    "name",
    [
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_expb.dcm",
        "MR_small_implicit.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_padded.dcm",
    ],
)
def test_every_lossless_syntax_gives_the_same_pixels(name):
    (expected,) = _read(FILES / "MR_small.dcm")
    (picture,) = _read(FILES / name)
    np.testing.assert_array_equal(picture.pixels, expected.pixels)
    assert picture.spacing == expected.spacing == (0.3125, 0.3125)


BARS = [(255, 0, 0), (255, 128, 128), (0, 255, 0), (128, 255, 128), (0, 0, 255), (128, 128, 255)]
BARS += [(0, 0, 0), (64, 64, 64), (192, 192, 192), (255, 255, 255)]


BARRED = sorted({*FILES.glob("SC_rgb_*")} - {*FILES.glob("SC_rgb_small*"), *FILES.glob("SC_rgb_jpeg*d.dcm")})
BARRED.remove(FILES / "SC_rgb_jpeg.dcm")


@pytest.mark.parametrize("path", BARRED, ids=lambda path: path.name)
def test_every_colour_space_and_codec_gives_the_colour_bars(path):
    picture = _read(path)[0]
    assert picture.shape == (100, 100)
    assert picture.is_colour
    # Subsampled and lossy colours differ by a few levels.
    np.testing.assert_allclose(picture.pixels[5::10, 50] * 255, BARS, atol=6)


def test_16_and_32_bit_colours_keep_their_bits():
    for name in ("SC_rgb_rle_16bit.dcm", "SC_rgb_rle_32bit.dcm"):
        (picture,) = _read(FILES / name)
        np.testing.assert_allclose(picture.pixels[15, 0], [1, 128 / 255, 128 / 255], atol=1e-3)


def test_palettes_are_looked_up():
    (picture,) = _read(FILES / "examples_palette.dcm")
    from pydicom.pixels import apply_color_lut, pixel_array

    dataset = pydicom.dcmread(FILES / "examples_palette.dcm")
    expected = apply_color_lut(pixel_array(dataset), dataset) / 65535
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-6)


def test_12_bit_jpeg_is_decoded_without_a_gpl_decoder():
    (picture,) = _read(FILES / "JPGExtended.dcm")
    (lossless,) = _read(FILES / "JPEG2000.dcm")
    assert picture.shape == lossless.shape == (1024, 256)
    assert np.corrcoef(picture.pixels.ravel(), lossless.pixels.ravel())[0, 1] > 0.95


def test_a_frame_of_12_bit_jpeg_that_is_damaged_names_the_remedy(tmp_path):
    data = (FILES / "JPGExtended.dcm").read_bytes()
    where = data.index(b"\xff\xc1\0\x0b")
    (tmp_path / "d.dcm").write_bytes(data[: where + 1] + b"\xc5" + data[where + 2 :])
    with pytest.raises(PictureError, match=r'd\.dcm: .*pip install "semblance\[gpl\]"'):
        _read(tmp_path / "d.dcm")


def test_one_bit_segmentations_are_black_and_white():
    (picture,) = _read(FILES / "liver_1frame.dcm")
    assert sorted(np.unique(picture.pixels)) == [0, 1]


def test_files_without_pixels_are_no_pictures():
    for name in ("rtplan.dcm", "test-SR.dcm", "waveform_ecg.dcm", "rtstruct.dcm", "dicomdirtests/DICOMDIR"):
        with pytest.raises(NotAPictureError, match="without pixels"):
            _read(FILES / name)


def test_a_truncated_file_says_so(tmp_path):
    with pytest.raises(PictureError, match="truncated: 8,130 of 8,192 bytes"):
        _read(FILES / "MR_truncated.dcm")
    data = (FILES / "MR_small.dcm").read_bytes()
    (tmp_path / "t.dcm").write_bytes(data[:1400])
    with pytest.raises(PictureError, match="the pixel data are missing"):
        _read(tmp_path / "t.dcm")


def test_the_frames_beside_a_damaged_one_are_read_and_it_is_named(tmp_path):
    data = (FILES / "SC_rgb_rle_2frame.dcm").read_bytes()
    (tmp_path / "t.dcm").write_bytes(data[:-600])
    damaged = []
    got = [picture.id for picture in read_pictures(tmp_path / "t.dcm", "t.dcm", report=damaged.append)]
    assert got == ["t.dcm#0"]
    assert [frame.number for frame in damaged] == [1]
    with pytest.raises(PictureError, match=r"t\.dcm#1: "):
        _read(tmp_path / "t.dcm", frames=[1])


def test_what_follows_the_pixels_is_not_shown_as_a_frame(tmp_path):
    volume = np.random.default_rng(0).integers(0, 256, (3, 16, 16), dtype=np.uint8)
    path = write_dicom(tmp_path / "x.dcm", volume)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = volume[:2].tobytes()
    dataset.DataSetTrailingPadding = bytes(1000)
    dataset.save_as(path)
    damaged = []
    found = list(read_pictures(path, "x", report=damaged.append))
    np.testing.assert_allclose([p.pixels for p in found], volume[:2] / 255, atol=1e-6)
    assert [(frame.number, frame.reason) for frame in damaged] == [
        (2, "the file is truncated: 512 of 768 bytes of pixels")
    ]


def test_large_frames_are_refused_before_they_are_decoded():
    with pytest.raises(PictureError, match="64 × 64 pixels are more than the 4,095 allowed"):
        _read(FILES / "MR_small.dcm", limits=Limits(max_pixels=4095))


def test_a_codestream_larger_than_its_header_is_refused():
    with pytest.raises(PictureError, match="the header says 1024 × 256"):
        _read(FILES / "JPEG2000-embedded-sequence-delimiter.dcm")


@pytest.mark.parametrize(
    "path", sorted(p for p in FILES.rglob("*") if p.is_file()), ids=lambda path: path.name
)
def test_every_file_of_pydicom_is_read_or_refused_in_one_line(path, capfd):
    try:
        for picture in read_pictures(path, "the/file"):
            assert picture.pixels.min() >= 0
            assert picture.pixels.max() <= 1
    except PictureError as error:
        assert str(error).startswith("the/file: ")
        assert "\n" not in str(error)
    assert capfd.readouterr() == ("", "")


def test_nothing_of_a_damaged_header_is_repeated_where_the_kind_should_stand(tmp_path):
    path = tmp_path / "x.dcm"
    data = pydicom.Dataset()
    data.add_new("SOPClassUID", "UI", "1.2.999999")
    data.add_new("PatientName", "PN", "Doe^Jane")
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, data, little_endian=True, implicit_vr=False)
    # The length of the first element swallows the next one.
    raw = bytearray(buffer.getvalue())
    raw[6:8] = (len(raw) - 8).to_bytes(2, "little")
    path.write_bytes(bytes(128) + b"DICM" + b"\2\0\x10\0UI\x14\0" + b"1.2.840.10008.1.2.1\0" + raw)
    with pytest.raises(NotAPictureError) as raised:
        list(read_pictures(path, "x.dcm"))
    assert str(raised.value) == "x.dcm: a DICOM object without pixels (of unknown kind)"


@pytest.mark.parametrize("behind", [0, 16])
def test_a_length_that_looks_like_letters_is_no_type_of_values(tmp_path, behind):
    """102 × 102 values of 16 bits are 20,808 bytes: in an implicit header that length begins with HQ."""
    values = np.add.outer(np.arange(102), np.arange(102) * 37).astype(np.uint16) % 4096
    path = write_dicom(
        tmp_path / "x.dcm", values, stored=12, WindowCenter=2048, WindowWidth=4096,
        DataSetTrailingPadding=bytes(behind),
    )  # fmt: skip
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    dataset.save_as(path, implicit_vr=True, little_endian=True)
    assert path.read_bytes().count(b"\xe0\x7f\x10\x00HQ\0\0") == 1
    (picture,) = read_pictures(path, path.name)
    np.testing.assert_allclose(picture.pixels, values / 4095, atol=1e-6)


@pytest.mark.parametrize(("number", "n"), [("+2", 2), ("2.0", 2), ("-2", 1), ("two", 1)])
def test_the_number_of_frames_may_be_written_as_any_number(tmp_path, number, n):
    path = write_dicom(tmp_path / "x.dcm", texture(0, (2, 8, 8)), NumberOfFrames="22")
    data = path.read_bytes()
    at = data.index(b"IS\2\0" + b"22")
    value = number.encode() + b" " * (len(number) % 2)
    path.write_bytes(data[: at + 2] + bytes([len(value), 0]) + value + data[at + 6 :])
    assert len(_read(path)) == n


def test_what_is_not_read_is_called_by_its_name(tmp_path):
    path = write_dicom(tmp_path / "x.dcm", texture(), BitsAllocated=12, BitsStored=12)
    with pytest.raises(PictureError, match="12 bits are allocated for a value"):
        _read(path)
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.PixelDataProviderURL = "http://localhost/jpip"
    dataset.save_as(path)
    with pytest.raises(PictureError, match="with a server"):
        _read(path)


def test_three_samples_without_an_interpretation_are_red_green_and_blue(tmp_path):
    rgb = texture(0, (8, 8, 3))
    path = write_dicom(tmp_path / "x.dcm", rgb, PhotometricInterpretation="")
    np.testing.assert_array_equal(_read(path)[0].pixels, rgb / np.float32(255))
