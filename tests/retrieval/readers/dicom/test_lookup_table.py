"""Palettes and lookup tables: their full scale is what the descriptor says, not what they hold."""

import numpy as np
import pytest
from pydicom.pixels import apply_color_lut
from support.dicom_files import BIG_ENDIAN, EXPLICIT, item, texture, write_dicom

from retrieval.errors import PictureError
from retrieval.readers import read_pictures
from retrieval.readers.dicom.segmented_palette import expand_segments

COLOURS = ("Red", "Green", "Blue")


def _palette(entries, bits, syntax=EXPLICIT):
    order = ">" if syntax == BIG_ENDIAN else "<"
    values = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour, column in zip(COLOURS, entries.T, strict=True):
        values[f"{colour}PaletteColorLookupTableDescriptor"] = [len(column), 0, bits]
        data = column.astype(f"{order}u2").tobytes()
        values[f"{colour}PaletteColorLookupTableData"] = data
    return values


def _read(path):
    (picture,) = read_pictures(path, path.name)
    return picture.pixels


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize("top", [255, 5000, 65535])
def test_a_dark_palette_of_16_bits_is_dark(tmp_path, top, syntax):
    entries = np.linspace([0, 0, 0], [top, top / 2, top / 3], 256).astype(np.uint16)
    pixels = texture()
    path = write_dicom(tmp_path / "x.dcm", pixels, syntax=syntax, **_palette(entries, 16, syntax))
    np.testing.assert_allclose(_read(path), entries[pixels] / 65535, atol=1e-6)


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
def test_entries_of_8_bits_are_two_to_a_word(tmp_path, syntax):
    entries = np.random.default_rng(0).integers(0, 100, (256, 3)).astype(np.uint8)
    values = _palette(entries, 8, syntax)
    for colour, column in zip(COLOURS, entries.T, strict=True):
        data = np.ascontiguousarray(column)
        values[f"{colour}PaletteColorLookupTableData"] = (
            data.view("<u2").astype(">u2").tobytes() if syntax == BIG_ENDIAN else data.tobytes()
        )
    pixels = texture()
    path = write_dicom(tmp_path / "x.dcm", pixels, syntax=syntax, **values)
    np.testing.assert_allclose(_read(path), entries[pixels] / 255, atol=1e-6)


def test_entries_that_do_not_fit_8_bits_have_16(tmp_path):
    entries = np.linspace([0, 0, 0], [65535, 65535, 65535], 256).astype(np.uint16)
    pixels = texture()
    path = write_dicom(tmp_path / "x.dcm", pixels, **_palette(entries, 8))
    np.testing.assert_allclose(_read(path), entries[pixels] / 65535, atol=1e-6)


@pytest.mark.parametrize(("bits", "top"), [(8, 255), (12, 4095), (16, 65535)])
def test_a_voi_table_that_is_dark_is_dark(tmp_path, bits, top):
    lut = item(LUTDescriptor=[4, 0, bits])
    lut.add_new("LUTData", "US", [0, 20, 40, 60])
    pixels = np.array([[0, 1, 2, 3]], np.uint16)
    path = write_dicom(tmp_path / "x.dcm", pixels, VOILUTSequence=[lut])
    np.testing.assert_allclose(_read(path)[0], np.array([0, 20, 40, 60]) / top, atol=1e-7)


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
def test_a_table_of_words_is_read_in_the_order_of_its_file(tmp_path, syntax):
    order = ">" if syntax == BIG_ENDIAN else "<"
    lut = item(LUTDescriptor=[4, 0, 16])
    lut.add_new("LUTData", "OW", np.array([0, 1000, 30000, 65535], f"{order}u2").tobytes())
    pixels = np.array([[0, 1, 2, 3]], np.uint16)
    path = write_dicom(tmp_path / "x.dcm", pixels, syntax=syntax, VOILUTSequence=[lut])
    np.testing.assert_allclose(_read(path)[0], np.array([0, 1000, 30000, 65535]) / 65535, atol=1e-6)


def test_an_empty_item_of_the_modality_table_counts_as_none(tmp_path):
    pixels = texture()
    path = write_dicom(tmp_path / "x.dcm", pixels, ModalityLUTSequence=[item(LUTExplanation="")])
    np.testing.assert_allclose(_read(path), pixels / 255, atol=1e-6)


def test_segments_expand_as_pydicom_has_them(tmp_path):
    # 3 single entries, a ramp of 4 to 60, and the first segment again.
    codes = [0, 3, 5, 10, 20, 1, 4, 60, 2, 1, 0, 0]
    values = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in COLOURS:
        values[f"{colour}PaletteColorLookupTableDescriptor"] = [10, 0, 16]
        values[f"Segmented{colour}PaletteColorLookupTableData"] = np.array(codes, "<u2").tobytes()
    np.testing.assert_array_equal(
        expand_segments(np.array(codes, np.uint16), 10), [5, 10, 20, 30, 40, 50, 60, 5, 10, 20]
    )
    pixels = np.arange(10, dtype=np.uint8)[None]
    path = write_dicom(tmp_path / "x.dcm", pixels, **values)
    import pydicom

    expected = apply_color_lut(pixels, pydicom.dcmread(path)) / 65535
    np.testing.assert_allclose(_read(path), expected, atol=1e-6)


@pytest.mark.parametrize("codes", [[3, 1, 1], [1, 4, 60], [2, 1, 0, 0]])
def test_segments_that_make_no_sense_are_refused(codes):
    with pytest.raises(PictureError, match="damaged"):
        expand_segments(np.array(codes, np.uint16), 10)


def _table(first, entries, vr="US", **values):
    table = item(**values)
    table.add_new(0x00283002, vr, [len(entries), first, 16])
    table.add_new(0x00283006, "OW", entries.astype("<u2").tobytes())
    return table


@pytest.mark.parametrize(
    ("slope", "intercept", "first"), [(1, 40_000, 40_000), (16, 0, 33_000), (1, 0, 100), (1, -100, -100)]
)
def test_a_voi_table_is_looked_up_by_modality_values_of_their_sign(tmp_path, slope, intercept, first):
    """PS3.3 C.11.2.1.1: its first value has a sign only if the rescale can give negative values."""
    stored, entries = texture(1, top=4095), np.arange(4096)[::-1] * 16
    table = _table(first, entries, "SS" if first < 0 else "US")
    rescale = {"RescaleSlope": slope, "RescaleIntercept": intercept}
    path = write_dicom(tmp_path / "x.dcm", stored, stored=12, VOILUTSequence=[table], **rescale)
    places = np.clip(stored.astype(int) * slope + intercept - first, 0, 4095)
    np.testing.assert_allclose(_read(path), entries[places] / 65535, atol=1e-6)


def test_behind_a_modality_table_no_value_is_negative(tmp_path):
    stored, entries = texture(2, top=4095).astype(np.int16) - 2048, np.arange(4096)[::-1] * 16
    path = write_dicom(
        tmp_path / "x.dcm", stored.astype(np.int16), stored=12,
        ModalityLUTSequence=[_table(-2048, np.arange(4096) + 40_000, "SS", ModalityLUTType="US")],
        VOILUTSequence=[_table(40_000, entries)],
    )  # fmt: skip
    np.testing.assert_allclose(_read(path), entries[stored + 2048] / 65535, atol=1e-6)


@pytest.mark.parametrize(
    ("relationship", "kind", "is_applied"),
    [("LOG", "12.1", False), ("DISP", "12.2", False), ("LIN", "12.1", True), ("LOG", "1.1", True)],
)
def test_a_table_back_to_x_ray_intensity_is_not_for_display(tmp_path, relationship, kind, is_applied):
    lut = item(LUTDescriptor=[4, 0, 16])
    lut.add_new("LUTData", "US", [300, 200, 100, 0])
    pixels = np.array([[0, 1, 2, 3]], np.uint16)
    path = write_dicom(
        tmp_path / "x.dcm", pixels, sop=f"1.2.840.10008.5.1.4.1.1.{kind}", ModalityLUTSequence=[lut],
        PixelIntensityRelationship=relationship,
    )  # fmt: skip
    ramp = np.array([0, 1, 2, 3]) / 3
    np.testing.assert_allclose(_read(path)[0], ramp[::-1] if is_applied else ramp, atol=1e-6)


def test_a_window_of_stored_values_beside_tiny_rescaled_ones_shows_the_image(tmp_path):
    # PET in standardized uptake values: 0 to 16.4, and a window of 0 to 32,768.
    pixels = np.linspace(0, 32767, 16).astype(np.uint16)[None]
    values = {"RescaleSlope": "0.0005", "RescaleIntercept": "0", "WindowCenter": 16384, "WindowWidth": 32768}
    path = write_dicom(tmp_path / "x.dcm", pixels, stored=15, **values)
    np.testing.assert_allclose(_read(path), pixels / 32768, atol=1e-5)
