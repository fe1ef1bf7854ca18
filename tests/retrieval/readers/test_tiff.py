import struct

import numpy as np
import pytest
import tifffile

from retrieval.errors import PictureError
from retrieval.readers import read_pictures
from retrieval.readers.limits import Limits
from retrieval.readers.window import Window

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
RGB = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)


def _write(tmp_path, array, **kwargs):
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, array, **kwargs)
    return path


def _read(path, **kwargs):
    (picture,) = read_pictures(path, path.name, **kwargs)
    return picture


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "zstd", "packbits", "jpeg2000", "png"])
def test_8_bits_are_divided_by_255_whatever_the_compression(tmp_path, compression):
    path = _write(tmp_path, GREY, compression=compression, photometric="minisblack")
    np.testing.assert_array_equal(_read(path).pixels, GREY / np.float32(255))


@pytest.mark.parametrize(
    "layout", [{"planarconfig": "contig"}, {"planarconfig": "separate"}, {"tile": (16, 16)}]
)
def test_colours_come_as_rgb(tmp_path, layout):
    array = np.moveaxis(RGB, 2, 0) if layout.get("planarconfig") == "separate" else RGB
    path = _write(tmp_path, array, photometric="rgb", compression="deflate", **layout)
    np.testing.assert_array_equal(_read(path).pixels, RGB / np.float32(255))


def test_jpeg_colours_are_converted(tmp_path):
    flat = np.zeros((32, 32, 3), dtype=np.uint8) + np.array([200, 40, 90], dtype=np.uint8)
    path = _write(tmp_path, flat, photometric="ycbcr", compression="jpeg")
    # Y + 1.402 (Cr - 128), Y - 0.344 (Cb - 128) - 0.714 (Cr - 128), Y + 1.772 (Cb - 128)
    np.testing.assert_allclose(_read(path).pixels[9, 9] * 255, [147, 255, 44], atol=2)


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.uint32, np.float32, np.float64])
def test_deep_values_keep_their_levels(tmp_path, kind):
    ramp = np.arange(4096).astype(kind).reshape(64, 64)
    pixels = _read(_write(tmp_path, ramp, photometric="minisblack")).pixels
    np.testing.assert_allclose(pixels, ramp / 4095, atol=1e-6)


def test_a_deep_file_in_hounsfield_units_takes_a_preset(tmp_path):
    values = np.full((10, 10), -1000, dtype=np.int16)
    values[5:] = 40
    pixels = _read(_write(tmp_path, values, photometric="minisblack"), window=Window("brain")).pixels
    assert pixels[0, 0] == 0
    assert pixels[9, 9] == 0.5


def test_pages_are_pictures_of_one_series(tmp_path):
    path = tmp_path / "m.tif"
    with tifffile.TiffWriter(path) as writer:
        for size in (5, 6, 7):
            writer.write(np.full((size, 9), size, dtype=np.uint8), photometric="minisblack")
    pictures = list(read_pictures(path, "a/m.tif"))
    assert [(p.id, p.shape) for p in pictures] == [(f"a/m.tif#{i}", (5 + i, 9)) for i in range(3)]
    assert len({p.groups["series"] for p in pictures}) == 1
    (chosen,) = read_pictures(path, "a/m.tif", frames=[2])
    assert chosen.id == "a/m.tif#2"
    np.testing.assert_array_equal(chosen.pixels, pictures[2].pixels)


def test_lower_levels_of_a_pyramid_are_passed_over(tmp_path):
    path = tmp_path / "p.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(np.zeros((64, 64), np.uint8), photometric="minisblack", subifds=1)
        writer.write(np.zeros((32, 32), np.uint8), photometric="minisblack", subfiletype=1)
        writer.write(np.zeros((16, 16), np.uint8), photometric="minisblack", subfiletype=1)
    assert [p.shape for p in read_pictures(path, "p.tif")] == [(64, 64)]


def test_white_is_zero_is_inverted(tmp_path):
    path = _write(tmp_path, GREY, photometric="miniswhite")
    np.testing.assert_allclose(_read(path).pixels, 1 - GREY / np.float32(255), atol=1e-6)


def test_palettes_are_looked_up(tmp_path):
    colormap = RNG.integers(0, 65536, (3, 256), dtype=np.uint16)
    path = _write(tmp_path, GREY, photometric="palette", colormap=colormap)
    np.testing.assert_allclose(_read(path).pixels, np.moveaxis(colormap[:, GREY], 0, 2) / 65535, atol=1e-6)


def test_alpha_is_laid_on_black(tmp_path):
    rgba = np.zeros((4, 4, 4), np.uint8) + np.array([100, 200, 50, 51], np.uint8)
    path = _write(tmp_path, rgba, photometric="rgb", extrasamples=["unassalpha"])
    np.testing.assert_allclose(_read(path).pixels[0, 0] * 255, [20, 40, 10], atol=1e-4)


def test_bilevel_is_black_and_white(tmp_path):
    bits = GREY > 100
    np.testing.assert_array_equal(_read(_write(tmp_path, bits, photometric="minisblack")).pixels, bits)


def test_ink_becomes_light(tmp_path):
    inks = np.zeros((4, 4, 4), np.uint8) + np.array([0, 255, 255, 0], np.uint8)
    np.testing.assert_allclose(_read(_write(tmp_path, inks, photometric="separated")).pixels[0, 0], [1, 0, 0])


def test_nan_is_black_and_nothing_but_nan_an_error(tmp_path):
    values = np.arange(100, dtype=np.float32).reshape(10, 10) - 50
    values[0, :3] = np.nan, np.inf, -np.inf
    pixels = _read(_write(tmp_path, values)).pixels
    assert np.isfinite(pixels).all()
    assert pixels[0, :3].tolist() == [0, 0, 0]
    with pytest.raises(PictureError, match="finite"):
        _read(_write(tmp_path, np.full((4, 4), np.nan, dtype=np.float32)))


def test_resolution_tags_are_no_millimetres_but_ome_sizes_are(tmp_path):
    assert _read(_write(tmp_path, GREY, resolution=(72, 72))).spacing is None
    path = tmp_path / "x.ome.tif"
    sizes = {
        "PhysicalSizeX": 0.5,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 0.25,
        "PhysicalSizeYUnit": "µm",
    }
    tifffile.imwrite(path, GREY, metadata={"axes": "YX", **sizes})
    assert _read(path).spacing == pytest.approx((0.00025, 0.0005))


def test_orientation_is_undone(tmp_path):
    path = _write(tmp_path, GREY, photometric="minisblack", extratags=[(274, "H", 1, 3, True)])
    np.testing.assert_array_equal(_read(path).pixels, GREY[::-1, ::-1] / np.float32(255))


def test_a_truncated_file_is_an_error(tmp_path):
    for compression in (None, "lzw"):
        path = _write(tmp_path, RNG.integers(0, 65536, (200, 200), dtype=np.uint16), compression=compression)
        path.write_bytes(path.read_bytes()[:-5000])
        with pytest.raises(PictureError, match=r"x\.tif: "):
            _read(path)


def _shorten(path, tag, change):
    with tifffile.TiffFile(path, mode="r+b") as file:
        values = change(file.pages.first.tags[tag].value)
        file.pages.first.tags[tag].overwrite(values)


def test_what_lacks_in_a_page_is_not_shown_as_black_or_grey(tmp_path):
    image = np.kron(GREY, np.ones((8, 8), np.uint8))
    path = _write(tmp_path, image, tile=(64, 64), compression="jpeg")
    whole = _read(path).pixels
    _shorten(path, "TileByteCounts", lambda counts: (counts[0] - 2, *counts[1:]))
    np.testing.assert_array_equal(_read(path).pixels, whole)  # the end marker alone
    _shorten(path, "TileByteCounts", lambda counts: (counts[0] * 3 // 4, *counts[1:]))
    with pytest.raises(PictureError, match="truncated within a JPEG tile"):
        _read(path)
    path = _write(tmp_path, image, tile=(64, 64), compression="jpeg")
    data = bytearray(path.read_bytes())
    end = data.rindex(b"\xff\xd9")
    data[end - 60 : end - 58] = b"\xff\xd9"  # an end marker behind a part of a tile
    path.write_bytes(data)
    with pytest.raises(PictureError, match="truncated within a JPEG tile"):
        _read(path)
    path = _write(tmp_path, image, rowsperstrip=16)
    _shorten(path, "ImageLength", lambda rows: rows + 32)
    with pytest.raises(PictureError, match="more pixels than the file can hold"):
        _read(path)


def test_a_file_without_pages_is_not_passed_over_in_silence(tmp_path):
    (tmp_path / "x.tif").write_bytes(b"II*\0" + bytes(20))
    with pytest.raises(PictureError, match="holds no image"):
        _read(tmp_path / "x.tif")


def test_large_pages_are_refused_before_they_are_decoded(tmp_path):
    path = _write(tmp_path, GREY)
    with pytest.raises(PictureError, match=r"x\.tif: 20 × 30 pixels are more than the 599 allowed"):
        _read(path, limits=Limits(max_pixels=599))


def test_big_tiff_and_big_endian_are_read(tmp_path):
    ramp = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    for kwargs in ({"bigtiff": True}, {"byteorder": ">"}, {"bigtiff": True, "byteorder": ">"}):
        np.testing.assert_allclose(_read(_write(tmp_path, ramp, **kwargs)).pixels, ramp / 4095, atol=1e-6)


def test_float_colours_within_0_and_1_are_untouched(tmp_path):
    values = RNG.random((8, 9, 3)).astype(np.float32)
    np.testing.assert_array_equal(_read(_write(tmp_path, values, photometric="rgb")).pixels, values)


def test_a_chain_of_pages_that_bites_its_tail_is_refused(tmp_path):
    path = _write(tmp_path, GREY, photometric="minisblack")
    data = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<I", data, 4)
    (n_tags,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * n_tags, first)
    path.write_bytes(data)
    with pytest.raises(
        PictureError, match=r"x\.tif: damaged: its chain of pages comes back to an earlier one"
    ):
        list(read_pictures(path, path.name))


def test_a_jpeg_within_that_says_it_is_huge_is_not_decoded(tmp_path):
    path = _write(tmp_path, GREY, photometric="minisblack", compression="jpeg")
    data = bytearray(path.read_bytes())
    start = data.index(b"\xff\xc0")
    struct.pack_into(">HH", data, start + 5, 65_535, 65_535)  # rows and columns of the frame
    path.write_bytes(data)
    with pytest.raises(
        PictureError, match=r"x\.tif: 65535 × 65535 pixels are more than the 100,000,000 allow"
    ):
        _read(path)
