"""Where stored values are within their words; PS3.5 section 8.1.1."""

import imagecodecs
import numpy as np
import pydicom
import pytest
from support.dicom_files import texture, write_dicom

from retrieval.readers import read_pictures
from retrieval.readers.window import Window

EVERYTHING = {8: "127.5,255", 10: "511.5,1023", 12: "2047.5,4095"}


def _read(path, window):
    (picture,) = read_pictures(path, path.name, window=Window.parse(window))
    return picture.pixels


@pytest.mark.parametrize(("stored", "high"), [(12, 11), (12, 15), (12, 13), (8, 15), (10, 15), (10, 9)])
def test_the_value_is_cut_out_of_its_word(tmp_path, stored, high):
    values = texture(1, top=(1 << stored) - 1).astype(np.uint16)
    noise = np.random.default_rng(2).integers(0, 1 << 16, values.shape).astype(np.uint16)
    shift = high + 1 - stored
    kept = np.uint16(((1 << stored) - 1) << shift)
    words = (values << shift) | (noise & ~kept)  # the other bits hold anything
    path = write_dicom(tmp_path / "x.dcm", words, stored=stored, high=high)
    np.testing.assert_allclose(_read(path, EVERYTHING[stored]), values / ((1 << stored) - 1), atol=1e-6)


def test_signed_values_at_the_upper_end_of_the_word_keep_their_sign(tmp_path):
    values = (texture(3, top=4095).astype(np.int16) - 2048).astype(np.int16)
    path = write_dicom(tmp_path / "x.dcm", values << 4, stored=12, high=15)
    np.testing.assert_allclose(_read(path, "0,4096"), np.clip((values + 2048) / 4096, 0, 1), atol=1e-6)


def test_a_high_bit_that_fits_no_word_is_passed_over(tmp_path):
    values = texture(4, top=4095)
    path = write_dicom(tmp_path / "x.dcm", values, stored=12, high=1)
    np.testing.assert_allclose(_read(path, EVERYTHING[12]), values / 4095, atol=1e-6)


@pytest.mark.parametrize("holds_words", [True, False])
def test_a_codestream_holds_the_words_or_the_values(tmp_path, holds_words):
    values = texture(5, (32, 32), top=4095)
    coded = values << 4 if holds_words else values
    bits = 16 if holds_words else 12
    frame = imagecodecs.jpeg2k_encode(coded, codecformat="j2k", level=0, reversible=True, bitspersample=bits)
    path = write_dicom(
        tmp_path / "x.dcm", values, syntax="1.2.840.10008.1.2.4.90", frames=[frame], stored=12, high=15
    )
    np.testing.assert_allclose(_read(path, EVERYTHING[12]), values / 4095, atol=1e-6)


@pytest.mark.parametrize("high", [11, 15])
def test_a_codestream_deeper_than_its_values_leaves_them_their_sign(tmp_path, high):
    """JPEG-LS knows no sign, and this stream no 12 bits: the header alone tells where the sign is."""
    values = (texture(6, (32, 32), top=4095).astype(np.int16) - 2048).astype(np.int16)
    words = (values.view(np.uint16) & 0xFFF) << (high - 11)
    frame = imagecodecs.jpegls_encode(words)
    path = write_dicom(
        tmp_path / "x.dcm", values, syntax="1.2.840.10008.1.2.4.80", frames=[frame], stored=12, high=high
    )
    np.testing.assert_allclose(_read(path, "0,4096"), np.clip((values + 2048) / 4096, 0, 1), atol=1e-6)


def test_frames_of_single_bits_may_begin_within_a_byte(tmp_path):
    marked = np.random.default_rng(7).random((5, 7, 9)) > 0.5
    path = write_dicom(tmp_path / "x.dcm", np.zeros((5, 7, 9), np.uint8))
    dataset = pydicom.dcmread(path)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 1, 0
    # One after the other without a gap, the first bit lowest: 315 bits in 40 bytes.
    dataset.PixelData = np.packbits(marked, bitorder="little").tobytes()
    dataset.save_as(path)
    found = [picture.pixels for picture in read_pictures(path, path.name)]
    np.testing.assert_array_equal(found, marked)
    (last,) = read_pictures(path, path.name, frames=[4])
    np.testing.assert_array_equal(last.pixels, marked[4])


@pytest.mark.parametrize(("spelt", "right"), [("monochrome2", 1), ("Monochrome1", -1)])
def test_the_kind_of_grey_may_be_spelt_in_small_letters(tmp_path, spelt, right):
    values = texture(8)
    path = write_dicom(tmp_path / "x.dcm", values)
    path.write_bytes(path.read_bytes().replace(b"MONOCHROME2", spelt.encode()))
    expected = values / 255 if right == 1 else 1 - values / 255
    np.testing.assert_allclose(_read(path, "auto"), expected, atol=1e-6)


@pytest.mark.parametrize("codec", ["70", "80", "90"])
@pytest.mark.parametrize("kind", [np.uint16, np.int16])
def test_what_a_lossless_codec_kept_above_the_values_is_cut_off(tmp_path, codec, kind):
    values = (texture(7, (32, 32), top=4095).astype(np.int16) - (2048 if kind is np.int16 else 0)).astype(
        kind
    )
    overlay = np.zeros((32, 32), np.uint16)
    overlay[8:16, 4:20] = 1 << 12
    words = (values.view(np.uint16) & 0xFFF) | overlay
    frame = {
        "70": lambda: imagecodecs.jpeg8_encode(words, lossless=True, bitspersample=16),
        "80": lambda: imagecodecs.jpegls_encode(words),
        "90": lambda: imagecodecs.jpeg2k_encode(words, codecformat="j2k", level=0, reversible=True),
    }[codec]()
    path = write_dicom(
        tmp_path / "x.dcm", values, syntax=f"1.2.840.10008.1.2.4.{codec}", frames=[frame], stored=12
    )
    window = "0,4096" if kind is np.int16 else EVERYTHING[12]
    wanted = (values + 2048.0) / 4096 if kind is np.int16 else values / 4095
    np.testing.assert_allclose(_read(path, window), wanted, atol=1e-6)
