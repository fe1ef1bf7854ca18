"""Compressed pixels that are odd: padded, progressive, of another size, or not encoded as the header says."""

import io

import cv2
import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from support.dicom_files import EXPLICIT, texture, write_dicom

from retrieval.errors import PictureError
from retrieval.readers import read_pictures

JPEG, LOSSLESS, JPEG_LS, J2K = (f"1.2.840.10008.1.2.4.{n}" for n in (50, 70, 80, 90))
RLE = "1.2.840.10008.1.2.5"


def _read(path, **kwargs):
    return list(read_pictures(path, path.name, **kwargs))


def _smooth(shape=(32, 32)):
    return cv2.GaussianBlur(texture(0, shape).astype(np.float32), (0, 0), 3).astype(np.uint8)


@pytest.mark.parametrize("byte", [b"\xff", b"\0", b"\xaf"])
def test_jpeg_ls_that_is_padded_with_any_byte_is_whole(tmp_path, byte):
    pixels = next(
        p for k in range(100) if len(imagecodecs.jpegls_encode(p := texture(k, (32, 32), 4095))) % 2
    )
    frame = imagecodecs.jpegls_encode(pixels) + byte  # DCMTK leaves there what was in its memory
    path = write_dicom(tmp_path / "x.dcm", pixels, syntax=JPEG_LS, frames=[frame])
    expected = _read(write_dicom(tmp_path / "y.dcm", pixels))[0].pixels
    np.testing.assert_array_equal(_read(path)[0].pixels, expected)


@pytest.mark.parametrize("number", [53, 55])
def test_progressive_jpeg_is_read(tmp_path, number):
    pixels, data = _smooth(), io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", progressive=True, quality=95)
    path = write_dicom(
        tmp_path / "x.dcm", pixels, syntax=f"1.2.840.10008.1.2.4.{number}", frames=[data.getvalue()]
    )
    assert np.abs(_read(path)[0].pixels * 255 - pixels).mean() < 2


@pytest.mark.parametrize("syntax", [JPEG, LOSSLESS, JPEG_LS, J2K])
def test_the_planar_configuration_of_a_codestream_is_its_own(tmp_path, syntax):
    colours = np.stack([_smooth(), _smooth()[::-1], _smooth().T], axis=-1)
    encode = {
        JPEG: lambda: imagecodecs.jpeg8_encode(colours, level=98, outcolorspace="RGB", subsampling="444"),
        LOSSLESS: lambda: imagecodecs.jpeg8_encode(colours, lossless=True),
        JPEG_LS: lambda: imagecodecs.jpegls_encode(colours),
        J2K: lambda: imagecodecs.jpeg2k_encode(colours, level=0, codecformat="j2k"),
    }
    for planar in (0, 1):
        how = {"syntax": syntax, "frames": [encode[syntax]()], "PlanarConfiguration": planar}
        (picture,) = _read(write_dicom(tmp_path / "x.dcm", colours, **how))
        assert np.abs(picture.pixels * 255 - colours).mean() < 2


def test_one_small_frame_is_named_and_costs_no_other(tmp_path):
    pixels = _smooth()
    frames = [imagecodecs.jpeg8_encode(pixels if n != 1 else pixels[:, :16].copy()) for n in range(4)]
    damaged = []
    path = write_dicom(tmp_path / "x.dcm", pixels, syntax=JPEG, frames=frames)
    assert [p.id for p in _read(path, report=damaged.append)] == ["x.dcm#0", "x.dcm#2", "x.dcm#3"]
    assert [(frame.number, frame.reason) for frame in damaged] == [
        (1, "damaged: the compressed frame is 32 × 16 pixels, the header says 32 × 32")
    ]
    with pytest.raises(PictureError, match=r"x\.dcm#1: damaged"):
        _read(path, frames=[1])


def test_a_file_of_damaged_frames_alone_is_refused(tmp_path):
    small = imagecodecs.jpeg8_encode(_smooth((16, 16)))
    path = write_dicom(tmp_path / "x.dcm", _smooth(), syntax=JPEG, frames=[small, small])
    with pytest.raises(PictureError, match="the compressed frame is 16 × 16"):
        _read(path)


def test_frames_are_measured_for_their_window_while_others_wait(tmp_path):
    volume = np.stack([texture(n, (16, 16), 4095) for n in range(5)])
    frames = [imagecodecs.jpeg2k_encode(f, codecformat="j2k", level=0, reversible=True) for f in volume]
    packed = _read(write_dicom(tmp_path / "x.dcm", volume, syntax=J2K, frames=frames))
    plain = _read(write_dicom(tmp_path / "y.dcm", volume))
    np.testing.assert_array_equal([p.pixels for p in packed], [p.pixels for p in plain])


@pytest.mark.parametrize("top", [100, 65535])
def test_encapsulated_pixels_under_a_native_syntax_are_refused(tmp_path, top):
    pixels = texture(0, (32, 32), top).astype(np.uint16)  # shorter and longer than the native pixels
    frame = imagecodecs.jpegls_encode(pixels)
    path = write_dicom(tmp_path / "x.dcm", pixels, syntax=JPEG_LS, frames=[frame])
    data = path.read_bytes().replace(JPEG_LS.encode(), EXPLICIT.encode() + bytes(3), 1)
    path.write_bytes(data)
    with pytest.raises(PictureError, match=r"Explicit VR Little Endian, but the pixels are encapsulated"):
        _read(path)


def test_native_pixels_under_a_compressed_syntax_are_refused(tmp_path):
    path = write_dicom(tmp_path / "x.dcm", texture(top=4095))
    path.write_bytes(path.read_bytes().replace(EXPLICIT.encode() + b"\0", b"1.2.840.10008.1.2.5\0", 1))
    with pytest.raises(PictureError, match="RLE Lossless, but the pixels are not encapsulated"):
        _read(path)


def _progressive(pixels):
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", progressive=True)
    return data.getvalue()


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (JPEG, imagecodecs.jpeg8_encode),
        (JPEG, _progressive),
        (LOSSLESS, imagecodecs.ljpeg_encode),
        (JPEG_LS, imagecodecs.jpeg8_encode),
        (JPEG_LS, imagecodecs.jpegls_encode),
        (J2K, lambda pixels: imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", level=0)),
    ],
)
def test_a_frame_that_is_cut_off_costs_itself_alone(tmp_path, syntax, encode):
    pixels, damaged = texture(0, (48, 48)), []
    frame = encode(pixels)
    half = frame[: len(frame) * 2 // 3]
    # The last lacks nothing but its end marker; one before, part of its image.
    frames = [frame, half, half + b"\xff\xd9", frame[:-2]]
    path = write_dicom(tmp_path / "x.dcm", pixels, syntax=syntax, frames=frames)
    found = _read(path, report=damaged.append)
    assert [p.id for p in found] == ["x.dcm#0", "x.dcm#3"]
    np.testing.assert_array_equal(found[0].pixels, found[1].pixels)
    assert "truncated" in damaged[0].reason and damaged[1].number == 2


def test_colours_without_an_end_marker_are_those_with_it(tmp_path):
    rgb = np.stack([_smooth(), 255 - _smooth(), _smooth()[::-1]], axis=-1)
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "JPEG", quality=95)
    frames = [data.getvalue(), data.getvalue()[:-2]]  # the header calls them RGB, and they are YCbCr
    first, second = _read(write_dicom(tmp_path / "x.dcm", rgb, syntax=JPEG, frames=frames))
    np.testing.assert_array_equal(first.pixels, second.pixels)


@pytest.mark.parametrize("codec", ["jpeg8", "ljpeg", "jpegls", "jpeg2k"])
def test_frames_of_another_codec_than_the_header_says_are_read(tmp_path, codec):
    rgb = np.stack([_smooth(), 255 - _smooth(), _smooth()[::-1]], axis=-1)
    for pixels in (_smooth(), rgb) if codec == "jpegls" else (_smooth(),):
        frame = getattr(imagecodecs, f"{codec}_encode")(pixels)
        for syntax in (JPEG, LOSSLESS, JPEG_LS, J2K, RLE):
            path = write_dicom(tmp_path / "x.dcm", pixels, syntax=syntax, frames=[frame])
            assert np.abs(_read(path)[0].pixels * 255 - pixels).mean() < 1.5


def test_a_header_in_the_other_order_of_bytes_is_refused_by_its_reason(tmp_path):
    path = write_dicom(tmp_path / "x.dcm", texture())
    path.write_bytes(path.read_bytes().replace(EXPLICIT.encode() + b"\0", b"1.2.840.10008.1.2.2\0", 1))
    with pytest.raises(PictureError, match="not encoded as it says, transfer syntax Explicit VR Big Endian"):
        _read(path)


def test_ycbcr_that_a_jpeg_2000_header_calls_transformed_becomes_rgb(tmp_path):
    rgb = np.stack([_smooth(), 255 - _smooth(), _smooth()[::-1]], axis=-1)
    ycc = np.ascontiguousarray(np.asarray(Image.fromarray(rgb).convert("YCbCr")))
    frame = imagecodecs.jpeg2k_encode(ycc, codecformat="j2k", mct=False, level=0, reversible=True)
    values = {"PhotometricInterpretation": "YBR_ICT"}
    path = write_dicom(tmp_path / "x.dcm", rgb, syntax=J2K, frames=[frame], **values)
    assert np.abs(_read(path)[0].pixels * 255 - rgb).mean() < 1.5


def test_boxes_around_a_codestream_do_not_hold_a_reader_for_ever(tmp_path):
    endless = b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\0jp2h" + bytes(40)
    path = write_dicom(tmp_path / "x.dcm", texture(), syntax=J2K, frames=[endless])
    with pytest.raises(PictureError, match="no codestream"):
        _read(path)
    pixels = texture()
    boxed = imagecodecs.jpeg2k_encode(pixels, codecformat="jp2", level=0, reversible=True)
    path = write_dicom(tmp_path / "y.dcm", pixels, syntax=J2K, frames=[boxed])
    np.testing.assert_allclose(_read(path)[0].pixels, pixels / 255, atol=1e-6)


def test_windows_and_slopes_of_any_size_leave_finite_pixels(tmp_path):
    for values in (
        {"WindowCenter": "0", "WindowWidth": "1e-310"},
        {"RescaleSlope": "1e304", "RescaleIntercept": "0"},
        {"RescaleSlope": "1e308", "RescaleIntercept": "1e308"},
        {"RescaleSlope": "1e-320", "RescaleIntercept": "0"},
    ):
        path = write_dicom(tmp_path / "x.dcm", texture(top=4095), **values)
        (picture,) = _read(path)
        assert np.isfinite(picture.pixels).all()
        # A slope that no float holds is none: it neither blackens the image nor flattens it.
        if "RescaleSlope" in values:
            (plain,) = _read(write_dicom(tmp_path / "y.dcm", texture(top=4095)))
            np.testing.assert_allclose(picture.pixels, plain.pixels, atol=1e-6)


def test_encapsulated_frames_that_are_not_compressed_are_read(tmp_path):
    frames = np.stack([texture(n, (7, 9), top=4095) for n in range(3)])
    coded = [frame.astype("<u2").tobytes() for frame in frames]
    path = write_dicom(tmp_path / "x.dcm", frames, syntax="1.2.840.10008.1.2.1.98", frames=coded)
    expected = _read(write_dicom(tmp_path / "y.dcm", frames))
    for found, right in zip(_read(path), expected, strict=True):
        np.testing.assert_array_equal(found.pixels, right.pixels)


def test_of_a_transfer_syntax_that_nobody_knows_nothing_more_is_said(tmp_path):
    """As those of old machines, whose values would be noise in any other byte order."""
    path = write_dicom(tmp_path / "x.dcm", texture())
    known, private = b"\x14\x001.2.840.10008.1.2.1\0", b"\x14\x001.2.840.113619.5.2.1"
    assert path.read_bytes().count(known) == 1
    path.write_bytes(path.read_bytes().replace(known, private))
    with pytest.raises(PictureError, match="its transfer syntax is unknown; convert the file"):
        _read(path)


@pytest.mark.parametrize(("syntax", "encode"), [(JPEG_LS, "jpegls_encode"), (J2K, "jpeg2k_encode")])
def test_a_stream_deeper_than_the_words_of_its_header_is_refused(tmp_path, syntax, encode):
    options = {} if syntax == JPEG_LS else {"codecformat": "j2k", "level": 0, "reversible": True}
    deep = getattr(imagecodecs, encode)(texture(top=65535), **options)
    path = write_dicom(tmp_path / "x.dcm", texture(), syntax=syntax, frames=[deep])
    with pytest.raises(PictureError, match="values of 16 bits, and the header says that 8 were allocated"):
        _read(path)


@pytest.mark.parametrize(("n", "kind"), [(4, "ARGB"), (4, "CMYK"), (2, "MONOCHROME2")])
def test_pixels_of_a_number_of_samples_that_is_not_read_are_not_called_damaged(tmp_path, n, kind):
    path = write_dicom(tmp_path / "x.dcm", texture(shape=(16, 16 * n)))
    dataset = pydicom.dcmread(path)
    dataset.Columns, dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 16, n, kind
    dataset.PlanarConfiguration = 0
    dataset.save_as(path)
    with pytest.raises(PictureError, match=f"has {n} samples, which is not read; convert"):
        _read(path)
