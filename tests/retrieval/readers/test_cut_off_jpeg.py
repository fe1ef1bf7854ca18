"""JPEG that is cut off: what lacks is not shown as grey, and what lacks nothing is not refused."""

import io

import cv2
import imagecodecs
import numpy as np
import pytest
from PIL import Image
from support.dicom_files import write_dicom

from retrieval.errors import PictureError
from retrieval.readers import read_pictures

RNG = np.random.default_rng(0)
IMAGE = cv2.GaussianBlur(np.kron(RNG.integers(0, 256, (8, 8)), np.ones((8, 8))), (0, 0), 2).astype(np.uint8)
DARK_BELOW = np.vstack([IMAGE[:32], np.zeros((200, 64), np.uint8)])
KINDS = {
    "plain": {},
    "best": {"quality": 98},
    "own tables": {"optimize": True},
    "restarts": {"restart_marker_blocks": 1},
    "progressive": {"progressive": True},
}


def _jpeg(image, **how):
    data = io.BytesIO()
    Image.fromarray(image).save(data, "JPEG", **how)
    return data.getvalue()


def _cuts(data):
    """Return places within the scans of a file, each marker that begins a scan or an interval among them."""
    start = data.index(b"\xff\xda") + 14
    markers = [at for at in range(start, len(data) - 2) if data[at] == 0xFF and data[at + 1]]
    return [*range(start, len(data) - 2, len(data) // 20), *markers, len(data) - 6]


@pytest.mark.parametrize("filled", [None, b"\0", b"\xff"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_part_of_an_image_is_refused_wherever_it_ends(tmp_path, kind, filled):
    path, data = tmp_path / "x.jpg", _jpeg(IMAGE, **KINDS[kind])
    path.write_bytes(data)
    (whole,) = read_pictures(path, "x")
    for at in _cuts(data):
        lacking = len(data) - at
        if filled == b"\0" and lacking < 200:  # a few zeros may be what was there
            continue
        path.write_bytes(data[:at] + (filled or b"") * lacking)
        try:
            (picture,) = read_pictures(path, "x")
        except PictureError:
            continue
        np.testing.assert_array_equal(picture.pixels, whole.pixels, err_msg=f"cut at {at} of {len(data)}")


@pytest.mark.parametrize("kind", KINDS)
def test_zeros_before_an_end_marker_that_was_kept_are_no_part_of_an_image(tmp_path, kind):
    path, data = tmp_path / "x.jpg", _jpeg(np.kron(IMAGE, np.ones((4, 4), np.uint8)), **KINDS[kind])
    for at in np.linspace(data.index(b"\xff\xda") + 14, len(data) - 200, 12).astype(int):
        path.write_bytes(data[:at] + bytes(len(data) - 2 - at) + data[-2:])
        with pytest.raises(PictureError):
            list(read_pictures(path, "x"))


@pytest.mark.parametrize("how", [{}, {"quality": 98}, {"optimize": True}])
def test_an_image_that_has_lost_a_sector_is_refused(tmp_path, how):
    # All that follows would be shown elsewhere than it is.
    path, data = tmp_path / "x.jpg", _jpeg(np.tile(IMAGE, (8, 8)), **how)
    for share in (0.2, 0.5, 0.8):
        at = int(len(data) * share) // 512 * 512
        path.write_bytes(data[:at] + bytes(512) + data[at + 512 :])
        with pytest.raises(PictureError, match="truncated within its image"):
            list(read_pictures(path, "x"))


@pytest.mark.parametrize("how", [{"optimize": True}, {"optimize": True, "quality": 98}])
def test_zeros_within_an_image_may_be_an_even_ground(tmp_path, how):
    path = tmp_path / "x.jpg"
    for rows in range(1, 64, 9):
        data = _jpeg(np.vstack([IMAGE, np.zeros((9000, 64), np.uint8), IMAGE[:rows]]), **how)
        assert bytes(500) in data
        path.write_bytes(data)
        assert len(list(read_pictures(path, "x"))) == 1


def test_an_image_that_ends_in_zeros_is_whole(tmp_path):
    path = tmp_path / "x.jpg"
    for rows in range(1, 9):  # in one case of eight the last byte has no bits to pad
        image = np.vstack([IMAGE[: 8 * rows], np.zeros((6000, 64), np.uint8)])
        for how in ({"optimize": True}, {"progressive": True}, {"progressive": True, "quality": 98}):
            path.write_bytes(_jpeg(image, **how))
            assert len(list(read_pictures(path, "x"))) == 1


@pytest.mark.parametrize("more", [b"", b"\0", bytes(500), b"\xff" * 500])
@pytest.mark.parametrize("image", [IMAGE, DARK_BELOW], ids=["bright", "dark below"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_image_is_read_without_its_end_marker(tmp_path, kind, image, more):
    path, data = tmp_path / "x.jpg", _jpeg(image, **KINDS[kind])
    path.write_bytes(data)
    (whole,) = read_pictures(path, "x")
    path.write_bytes(data[:-2] + more)
    (picture,) = read_pictures(path, "x")
    np.testing.assert_array_equal(picture.pixels, whole.pixels)


@pytest.mark.parametrize("more", [b"\0", b"\xff"])
@pytest.mark.parametrize("syntax", [50, 70])
def test_what_fills_the_place_of_a_part_of_a_frame_is_not_shown(tmp_path, syntax, more):
    data = _jpeg(IMAGE, quality=98) if syntax == 50 else imagecodecs.jpeg8_encode(IMAGE, lossless=True)
    frame = data[: len(data) // 2] + more * (len(data) // 4 * 2)
    path = write_dicom(tmp_path / "x.dcm", IMAGE, syntax=f"1.2.840.10008.1.2.4.{syntax}", frames=[frame])
    with pytest.raises(PictureError, match="truncated within a JPEG frame"):
        list(read_pictures(path, "x"))


def test_a_lossless_frame_that_is_dark_below_is_read_without_its_end_marker(tmp_path):
    frame = imagecodecs.jpeg8_encode(DARK_BELOW, lossless=True)[:-2]
    how = {"syntax": "1.2.840.10008.1.2.4.70", "frames": [frame]}
    (picture,) = read_pictures(write_dicom(tmp_path / "x.dcm", DARK_BELOW, **how), "x")
    np.testing.assert_array_equal(picture.pixels, DARK_BELOW / np.float32(255))
