"""Fragments of encapsulated pixels: offset tables that are right, wrong or missing, and files cut off."""

import struct

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from support.dicom_files import texture, write_dicom

from retrieval.errors import PictureError
from retrieval.readers import read_pictures

JPEG, LOSSLESS, JPEG_LS = (f"1.2.840.10008.1.2.4.{n}" for n in (50, 70, 80))
VOLUME = np.stack([texture(n, (16, 16)) for n in range(3)])
FRAMES = [data + bytes(len(data) % 2) for data in map(imagecodecs.jpegls_encode, VOLUME)]


def _item(data):
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(data)) + data


def _write(path, fragments, table):
    """Write fragments behind a Basic Offset Table of some numbers, and no delimiter."""
    write_dicom(path, VOLUME, syntax=JPEG_LS, frames=FRAMES)
    data = path.read_bytes()
    start = data.index(b"\xe0\x7f\x10\x00OB") + 12
    items = _item(struct.pack(f"<{len(table)}I", *table)) + b"".join(map(_item, fragments))
    path.write_bytes(data[:start] + items)
    return path


def _read(path, **kwargs):
    damaged = []
    found = list(read_pictures(path, "x", report=damaged.append, **kwargs))
    return found, [frame.number for frame in damaged]


def _starts(groups):
    """Return the offset of each frame, given how many bytes each of its fragments has."""
    sizes = [sum(8 + len(part) for part in group) for group in groups]
    return [sum(sizes[:n]) for n in range(len(sizes))]


@pytest.mark.parametrize("table", [[], [0, 0, 0], [0], [0, 8, 16], [40, 900, 2000], [0, 20, 10]])
def test_each_fragment_is_a_frame_whatever_a_wrong_table_says(tmp_path, table):
    found, damaged = _read(_write(tmp_path / "x.dcm", FRAMES, table))
    np.testing.assert_allclose([p.pixels for p in found], VOLUME / 255, atol=1e-6)
    assert not damaged


@pytest.mark.parametrize("has_table", [True, False])
def test_a_frame_may_have_several_fragments(tmp_path, has_table):
    groups = [[frame[:100], frame[100:200], frame[200:]] for frame in FRAMES]
    table = _starts(groups) if has_table else []
    found, damaged = _read(_write(tmp_path / "x.dcm", [part for group in groups for part in group], table))
    np.testing.assert_allclose([p.pixels for p in found], VOLUME / 255, atol=1e-6)
    assert not damaged


def test_a_single_frame_is_whole_though_its_table_names_each_fragment(tmp_path):
    image = texture(0, (64, 64))
    data = imagecodecs.jpeg8_encode(image)
    path = write_dicom(tmp_path / "x.dcm", image, syntax=JPEG, frames=[data])
    expected = _read(path)[0][0].pixels
    parts = [data[:400], data[400:800], data[800:] + bytes(len(data) % 2)]
    start = path.read_bytes().index(b"\xe0\x7f\x10\x00OB") + 12
    table = struct.pack("<3I", *_starts([[part] for part in parts]))
    path.write_bytes(path.read_bytes()[:start] + b"".join(map(_item, [table, *parts])))
    np.testing.assert_array_equal(_read(path)[0][0].pixels, expected)


@pytest.mark.parametrize("table", [[], _starts([[frame] for frame in FRAMES])])
def test_the_frames_before_the_end_of_a_file_that_was_cut_off_are_read(tmp_path, table):
    path = _write(tmp_path / "x.dcm", FRAMES[:2], table)
    found, damaged = _read(path)
    assert [p.id for p in found] == ["x#0", "x#1"] and damaged == [2]
    path.write_bytes(path.read_bytes()[:-50])
    found, damaged = _read(path)
    assert [p.id for p in found] == ["x#0"] and damaged == [1, 2]


@pytest.mark.parametrize("syntax", [JPEG, LOSSLESS])
def test_a_jpeg_frame_that_was_cut_off_is_not_shown_half_grey(tmp_path, syntax):
    image = texture(0, (64, 64))
    encode = imagecodecs.ljpeg_encode if syntax == LOSSLESS else imagecodecs.jpeg8_encode
    path = write_dicom(tmp_path / "x.dcm", image, syntax=syntax, frames=[encode(image)])
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(PictureError, match="truncated within a frame"):
        _read(path)


@pytest.mark.parametrize("n_bytes", [24, 20, 0])
def test_an_extended_offset_table_is_read_and_a_damaged_one_costs_no_frame(tmp_path, n_bytes):
    path = write_dicom(tmp_path / "x.dcm", VOLUME, syntax=JPEG_LS, frames=FRAMES)
    dataset = dcmread(path)
    dataset.ExtendedOffsetTable = struct.pack("<3Q", *_starts([[frame] for frame in FRAMES]))[:n_bytes]
    dataset.ExtendedOffsetTableLengths = struct.pack("<3Q", *map(len, FRAMES))
    dataset.save_as(path)
    found, damaged = _read(path)
    np.testing.assert_allclose([p.pixels for p in found], VOLUME / 255, atol=1e-6)
    assert not damaged
