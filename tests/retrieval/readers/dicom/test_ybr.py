"""Luma and colour differences: whatever way they are stored, red is red; PS3.3 C.7.6.3.1.2."""

import io

import cv2
import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.dataelem import DataElement
from support.dicom_files import write_dicom

from retrieval.errors import PictureError
from retrieval.readers import read_pictures
from retrieval.readers.dicom.ybr import rgb_of

JPEG = "1.2.840.10008.1.2.4."
ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x01"
"""A segment by which a JPEG stream says that it holds YCbCr."""


def _colours(seed, shape=(32, 32)):
    """Return a smooth colour image, equal in each pair of columns, little of it green."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(*shape, 3)), (0, 0), 3)
    levels = (noise - noise.min()) / np.ptp(noise) * (255, 120, 255)
    levels[:, 1::2] = levels[:, ::2]
    return np.rint(levels).astype(np.uint8)


def _ybr(rgb, top=255):
    """Return Y, Cb and Cr of ITU-R BT.601, float64."""
    r, g, b = np.moveaxis(rgb.astype(np.float64) * top / 255, -1, 0)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return np.stack([y, (b - y) / 1.772 + (top + 1) / 2, (r - y) / 1.402 + (top + 1) / 2], axis=-1)


def _read(path):
    return [picture.pixels for picture in read_pictures(path, path.name)]


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("behind", [0, 50_000], ids=["whole", "with bytes behind"])
def test_every_frame_of_subsampled_colour_is_read(tmp_path, behind, planar):
    frames = [_colours(seed) for seed in range(4)]
    packed = []
    for rgb in frames:
        y, cb, cr = np.moveaxis(np.clip(np.rint(_ybr(rgb)), 0, 255).astype(np.uint8), -1, 0)
        packed.append(np.stack([y[:, ::2], y[:, 1::2], cb[:, ::2], cr[:, ::2]], axis=-1).tobytes())
    data = b"".join(packed)
    path = write_dicom(
        tmp_path / "x.dcm", np.stack(frames), PhotometricInterpretation="YBR_FULL_422",
        PixelData=data, DataSetTrailingPadding=bytes(behind), PlanarConfiguration=planar,
    )  # fmt: skip
    _store(path, data)
    found = _read(path)
    assert len(found) == 4
    for pixels, rgb in zip(found, frames, strict=True):
        np.testing.assert_allclose(pixels, rgb / 255, atol=0.012)


def _store(path, data):
    """Write other pixels into a file."""
    from pydicom import dcmread

    dataset = dcmread(path)
    dataset["PixelData"] = DataElement(0x7FE00010, "OB", data)
    dataset.save_as(path)


@pytest.mark.parametrize("bits", [12, 16])
def test_native_colour_of_more_than_8_bits_is_converted(tmp_path, bits):
    rgb, top = _colours(5), (1 << bits) - 1
    ybr = np.clip(np.rint(_ybr(rgb, top)), 0, top).astype(np.uint16)
    path = write_dicom(tmp_path / "x.dcm", ybr, stored=bits, PhotometricInterpretation="YBR_FULL")
    np.testing.assert_allclose(_read(path)[0], rgb / 255, atol=0.002)


def test_of_8_bits_both_ways_to_convert_agree():
    ybr = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    quick, _ = rgb_of(ybr, "YBR_FULL", 8)
    exact, name = rgb_of(ybr.astype(np.uint16), "YBR_FULL", 8)
    assert name == "RGB"
    np.testing.assert_allclose(quick.astype(int), exact, atol=1)


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize(("number", "name"), [("50", "YBR_FULL_422"), ("50", "YBR_FULL"), ("51", "YBR_FULL")])
@pytest.mark.parametrize("segments", ["JFIF", "JFIF and Adobe", "Adobe"])
def test_jpeg_is_turned_into_rgb_once(tmp_path, subsampling, number, name, segments):
    rgb, stream = _colours(6), io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=98, subsampling=subsampling)
    data = stream.getvalue()
    assert data[2:4] == b"\xff\xe0"  # JFIF, 18 bytes
    streams = {
        "JFIF": data,
        "JFIF and Adobe": data[:20] + ADOBE + data[20:],
        "Adobe": data[:2] + ADOBE + data[20:],
    }
    path = write_dicom(
        tmp_path / "x.dcm",
        rgb,
        syntax=JPEG + number,
        frames=[streams[segments]],
        PhotometricInterpretation=name,
    )
    assert np.abs(_read(path)[0] * 255 - rgb).mean() < 4


@pytest.mark.parametrize("name", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("is_ybr", [True, False])
def test_a_stream_that_shows_what_its_colours_are_is_believed(tmp_path, name, is_ybr):
    rgb, stream = np.repeat(np.repeat(_colours(9), 4, axis=0), 4, axis=1), io.BytesIO()
    if is_ybr:
        Image.fromarray(rgb).save(stream, "JPEG", quality=98, subsampling=2)
        data = stream.getvalue()[:2] + stream.getvalue()[20:]  # without JFIF
    else:  # components that are called R, G and B
        data = imagecodecs.jpeg8_encode(rgb, level=98, outcolorspace="RGB", subsampling="444")
        assert data[2:4] == b"\xff\xee"
        data = data[:2] + data[18:]  # without the segment of Adobe
    how = {"syntax": f"{JPEG}50", "frames": [data], "PhotometricInterpretation": name}
    assert np.abs(_read(write_dicom(tmp_path / "x.dcm", rgb, **how))[0] * 255 - rgb).mean() < 4


@pytest.mark.parametrize("number", ["57", "70"])
@pytest.mark.parametrize("name", ["RGB", "YBR_FULL"])
def test_lossless_jpeg_of_either_kind_is_read(tmp_path, number, name):
    rgb = _colours(7)
    stored = rgb if name == "RGB" else np.clip(np.rint(_ybr(rgb)), 0, 255).astype(np.uint8)
    data = imagecodecs.jpeg8_encode(stored, lossless=True)  # converts no colours
    path = write_dicom(
        tmp_path / "x.dcm", rgb, syntax=JPEG + number, frames=[data], PhotometricInterpretation=name
    )
    np.testing.assert_allclose(_read(path)[0], rgb / 255, atol=0 if name == "RGB" else 0.012)


def test_encapsulated_colour_that_is_not_compressed_is_converted(tmp_path):
    rgb = _colours(8)
    data = np.clip(np.rint(_ybr(rgb)), 0, 255).astype(np.uint8).tobytes()
    path = write_dicom(
        tmp_path / "x.dcm", rgb, syntax="1.2.840.10008.1.2.1.98", frames=[data],
        PhotometricInterpretation="YBR_FULL",
    )  # fmt: skip
    np.testing.assert_allclose(_read(path)[0], rgb / 255, atol=0.012)


def test_a_retired_kind_of_colour_is_refused_by_its_name(tmp_path):
    rgb = _colours(9)
    path = write_dicom(tmp_path / "x.dcm", rgb, PhotometricInterpretation="YBR_PARTIAL_422")
    with pytest.raises(PictureError, match="YBR_PARTIAL_422, which is retired and not read; convert"):
        _read(path)
