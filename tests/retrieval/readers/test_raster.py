import io
import struct
import zlib

import cv2
import imagecodecs
import numpy as np
import pytest
from PIL import Image

from retrieval.errors import PictureError
from retrieval.readers import read_pictures
from retrieval.readers.limits import Limits
from retrieval.readers.window import Window

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def _read(path, **kwargs):
    (picture,) = read_pictures(path, path.name, **kwargs)
    return picture


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_claiming(rows, cols):
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", cols, rows, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", zlib.compress(bytes(1000))) + _chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp", ".gif"])
def test_8_bit_grey_is_divided_by_255(tmp_path, suffix):
    path = tmp_path / f"g{suffix}"
    Image.fromarray(GREY).save(path, **({"lossless": True} if suffix == ".webp" else {}))
    picture = _read(path)
    expected = GREY / np.float32(255)
    if picture.is_colour:  # WebP knows no grey
        expected = np.repeat(expected[..., None], 3, axis=2)
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.pixels.flags.c_contiguous


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp"])
def test_colours_come_as_rgb(tmp_path, suffix):
    path = tmp_path / f"c{suffix}"
    Image.fromarray(RGB).save(path, **({"lossless": True} if suffix == ".webp" else {}))
    np.testing.assert_array_equal(_read(path).pixels, RGB / np.float32(255))


def test_jpeg_is_what_pillow_decodes(tmp_path):
    for name, array in (("g.jpg", GREY), ("c.jpg", RGB)):
        Image.fromarray(array).save(tmp_path / name, quality=95)
        expected = np.asarray(Image.open(tmp_path / name)) / np.float32(255)
        np.testing.assert_array_equal(_read(tmp_path / name).pixels, expected)


def test_a_wrong_suffix_is_read_by_content(tmp_path):
    path = tmp_path / "really_a_png.jpg"
    Image.fromarray(GREY).save(path, format="PNG")
    np.testing.assert_array_equal(_read(path).pixels, GREY / np.float32(255))


def test_a_12_bit_ramp_in_16_bits_keeps_every_level(tmp_path):
    ramp = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    cv2.imwrite(str(tmp_path / "r.png"), ramp)
    pixels = _read(tmp_path / "r.png").pixels
    np.testing.assert_allclose(pixels, ramp / 4095, atol=1e-6)
    assert len(np.unique(pixels)) == 4096


def test_numbers_and_full_window_a_deep_picture(tmp_path):
    cv2.imwrite(str(tmp_path / "r.png"), np.array([[0, 1000, 2000, 60000]], dtype=np.uint16))
    assert _read(tmp_path / "r.png", window=Window("", 1000, 2000)).pixels.tolist() == [[0, 0.5, 1, 1]]
    full = _read(tmp_path / "r.png", window=Window("full")).pixels
    np.testing.assert_allclose(full, [[0, 1 / 60, 2 / 60, 1]], atol=1e-6)


def test_a_preset_leaves_pictures_that_are_not_hounsfield_alone(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "g.png")
    cv2.imwrite(str(tmp_path / "d.png"), GREY.astype(np.uint16) * 17)
    for name in ("g.png", "d.png"):
        bone, auto = (_read(tmp_path / name, window=Window(w)).pixels for w in ("bone", "auto"))
        np.testing.assert_array_equal(bone, auto)


def test_16_bit_colours_are_not_crushed(tmp_path):
    deep = np.random.default_rng(1).integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    deep[0, 0] = 65535
    cv2.imwrite(str(tmp_path / "c.png"), deep[..., ::-1])
    np.testing.assert_allclose(_read(tmp_path / "c.png").pixels, deep / 65535, atol=1e-6)


def test_16_bit_colours_are_divided_by_65535_however_dark_they_are(tmp_path):
    deep = np.random.default_rng(1).integers(0, 4096, (5, 7, 3), dtype=np.uint16)
    deep[0, 0] = 4095
    cv2.imwrite(str(tmp_path / "c.png"), deep[..., ::-1])
    np.testing.assert_allclose(_read(tmp_path / "c.png").pixels, deep / 65535, atol=1e-6)


def test_16_bit_grey_with_alpha_stays_grey_and_deep(tmp_path):
    samples = np.array([[[1000, 65535], [3001, 65535], [60000, 0]]], dtype=">u2")  # grey, alpha
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 1, 16, 4, 0, 0, 0))
    data = _chunk(b"IDAT", zlib.compress(b"\0" + samples.tobytes()))
    path = tmp_path / "la.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + data + _chunk(b"IEND", b""))
    np.testing.assert_allclose(_read(path).pixels, [[1000 / 3001, 1, 0]], atol=1e-6)


def test_transparency_is_laid_on_black(tmp_path):
    rgba = np.zeros((1, 2, 4), dtype=np.uint8)
    rgba[...] = (200, 100, 50, 255)
    rgba[0, 1, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "a.png")
    np.testing.assert_allclose(
        _read(tmp_path / "a.png").pixels * 255, [[[200, 100, 50], [0, 0, 0]]], atol=1e-4
    )
    Image.fromarray(np.array([[[255, 51]]], dtype=np.uint8), mode=None).save(tmp_path / "la.png")
    np.testing.assert_allclose(_read(tmp_path / "la.png").pixels, [[0.2]], atol=1e-6)


def test_palettes_are_looked_up_and_grey_ones_stay_grey(tmp_path):
    colours = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), mode="P")
    colours.putpalette([255, 0, 0, 0, 255, 0, 10, 20, 30])
    colours.save(tmp_path / "c.png")
    np.testing.assert_allclose(
        _read(tmp_path / "c.png").pixels[0] * 255, [[255, 0, 0], [0, 255, 0], [10, 20, 30]]
    )
    greys = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode="P")
    greys.putpalette([9, 9, 9, 200, 200, 200])
    greys.save(tmp_path / "g.png")
    np.testing.assert_allclose(_read(tmp_path / "g.png").pixels * 255, [[9, 200]], atol=1e-4)


def test_one_bit_is_black_and_white(tmp_path):
    bits = np.array([[True, False, True]])
    Image.fromarray(bits).save(tmp_path / "b.png")
    np.testing.assert_array_equal(_read(tmp_path / "b.png").pixels, bits)


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (4, 4), (0, 255, 255, 0)).save(tmp_path / "k.jpg", quality=100)
    np.testing.assert_allclose(_read(tmp_path / "k.jpg").pixels[0, 0], [1, 0, 0], atol=0.02)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_picture_upright(tmp_path, orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(RGB).save(tmp_path / "o.png", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "o.png"))) / np.float32(255)
    np.testing.assert_array_equal(_read(tmp_path / "o.png").pixels, expected)


def test_a_truncated_file_is_an_error(tmp_path):
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for kind in ("PNG", "JPEG", "BMP", "WEBP", "GIF"):
        data = io.BytesIO()
        Image.fromarray(noise).save(data, format=kind)
        path = tmp_path / f"t.{kind.lower()}"
        path.write_bytes(data.getvalue()[: len(data.getvalue()) // 2])
        with pytest.raises(PictureError, match=path.name):
            _read(path)


@pytest.mark.parametrize("progressive", [False, True])
def test_an_end_marker_makes_no_part_of_a_jpeg_image_a_whole_one(tmp_path, progressive):
    path, image = tmp_path / "x.jpg", np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(image).save(path, progressive=progressive)
    whole, data = _read(path).pixels, path.read_bytes()
    path.write_bytes(data[:-2])
    np.testing.assert_array_equal(_read(path).pixels, whole)
    path.write_bytes(data[: len(data) * 2 // 3] + data[-2:] + data)  # another image may follow, as in MPO
    with pytest.raises(PictureError, match="truncated"):
        _read(path)


@pytest.mark.parametrize(("rows", "cols"), [(10, 100), (20_000, 20_000), (2**31 - 1, 2**31 - 1), (0, 5)])
def test_a_bomb_is_refused_by_its_header(tmp_path, rows, cols):
    (tmp_path / "bomb.png").write_bytes(_png_claiming(rows, cols))
    with pytest.raises(PictureError) as caught:
        _read(tmp_path / "bomb.png", limits=Limits(max_pixels=999))
    assert "\n" not in str(caught.value)


def test_one_pixel_and_a_line_of_pixels_are_pictures(tmp_path):
    for shape in ((1, 1), (1, 10_000), (10_000, 1)):
        Image.fromarray(np.full(shape, 77, dtype=np.uint8)).save(tmp_path / "x.png")
        assert _read(tmp_path / "x.png").shape == shape


def test_constant_pictures_are_finite(tmp_path):
    for array in (np.full((4, 4), 9, np.uint8), np.full((4, 4), 9, np.uint16), np.zeros((4, 4), np.uint16)):
        cv2.imwrite(str(tmp_path / "x.png"), array)
        for window in ("auto", "full", "lung", "40,400"):
            pixels = _read(tmp_path / "x.png", window=Window.parse(window)).pixels
            assert np.isfinite(pixels).all()
            assert np.ptp(pixels) == 0


def test_of_an_animation_the_first_frame_is_read(tmp_path):
    frames = [Image.fromarray(np.full((3, 3), v, np.uint8)) for v in (10, 250)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert _read(tmp_path / "a.gif").id == "a.gif"
    np.testing.assert_allclose(_read(tmp_path / "a.gif").pixels * 255, np.full((3, 3), 10), atol=1e-4)


def _png(rows, width, bits, kind, transparent):
    """Write a PNG by hand: grey (kind 0) or colour (2), with the level that is transparent."""

    def chunk(tag, data):
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

    head = struct.pack(">IIBBBBB", width, len(rows), bits, kind, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [(b"IHDR", head), (b"tRNS", transparent), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_transparent_grey_level_is_black(tmp_path, bits):
    top = (1 << bits) - 1
    levels = np.array([0, top, top // 2, top, 0, top, top, top // 2])
    if bits < 8:
        digits = "".join(f"{level:0{bits}b}" for level in levels)
        row = int(digits, 2).to_bytes(bits, "big")
    else:
        row = levels.astype(">u2" if bits == 16 else "u1").tobytes()
    (tmp_path / "x.png").write_bytes(_png([row], 8, bits, 0, struct.pack(">H", top)))
    shown = _read(tmp_path / "x.png").pixels[0]
    assert shown[levels == top].max() == 0
    if bits > 1:
        assert shown[levels == top // 2].min() > 0


def test_a_transparent_colour_of_16_bits_is_black(tmp_path):
    row = np.array([[65535] * 3, [1000, 2000, 30000]], ">u2").tobytes()
    (tmp_path / "x.png").write_bytes(_png([row], 2, 16, 2, struct.pack(">HHH", 65535, 65535, 65535)))
    np.testing.assert_allclose(
        _read(tmp_path / "x.png").pixels[0] * 65535, [[0, 0, 0], [1000, 2000, 30000]], atol=0.01
    )


@pytest.mark.parametrize("suffix", ["jp2", "j2k"])
@pytest.mark.parametrize("top", [255, 4095, 65535])
def test_jpeg_2000_keeps_its_depth(tmp_path, suffix, top):
    bits = top.bit_length()
    rgb = (
        np.random.default_rng(0)
        .integers(0, top + 1, (16, 16, 3))
        .astype(np.uint8 if bits == 8 else np.uint16)
    )
    options = {"codecformat": suffix, "level": 0, "reversible": True, "bitspersample": bits}
    (tmp_path / f"x.{suffix}").write_bytes(imagecodecs.jpeg2k_encode(rgb, **options))
    np.testing.assert_allclose(_read(tmp_path / f"x.{suffix}").pixels, rgb / top, atol=1e-6)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_luma_and_colour_differences_of_jpeg_2000_become_rgb_once(tmp_path, bits):
    top, middle = (1 << bits) - 1, 1 << (bits - 1)
    rgb = np.linspace(0.2, 0.8, 16 * 16 * 3).reshape(16, 16, 3)
    luma = rgb @ [0.299, 0.587, 0.114] * top
    blue, red = ((rgb[..., n] * top - luma) / size + middle for n, size in ((2, 1.772), (0, 1.402)))
    opaque = np.full((16, 16), top)
    sycc = np.rint(np.stack([luma, blue, red, opaque], axis=-1)).astype(np.uint8 if bits == 8 else np.uint16)
    options = {"codecformat": "jp2", "colorspace": "SYCC", "mct": False, "level": 0, "reversible": True}
    for n_components in (3, 4):  # what is opaque stays as it is, whatever its number of bits
        values = np.ascontiguousarray(sycc[..., :n_components])
        data = imagecodecs.jpeg2k_encode(values, bitspersample=bits, **options)
        (tmp_path / "x.jp2").write_bytes(data)
        np.testing.assert_allclose(_read(tmp_path / "x.jp2").pixels, rgb, atol=3 / top)


def test_signed_colours_of_jpeg_2000_begin_at_their_lowest_value(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 1 << 16, (16, 16, 3)).astype(np.uint16)
    signed = (rgb.astype(np.int32) - (1 << 15)).astype(np.int16)
    data = imagecodecs.jpeg2k_encode(signed, codecformat="jp2", level=0, reversible=True)
    (tmp_path / "x.jp2").write_bytes(data)
    np.testing.assert_allclose(_read(tmp_path / "x.jp2").pixels, rgb / 65535, atol=1e-6)


@pytest.mark.parametrize(
    ("encode", "dtype", "reason"),
    [
        ("jpeg8_encode", np.uint16, "of 12 bits"),
        ("ljpeg_encode", np.uint16, "of 16 bits"),
        ("jpegls_encode", np.uint8, "of an uncommon kind"),
    ],
)
def test_jpeg_of_an_uncommon_kind_is_not_called_damaged(tmp_path, encode, dtype, reason):
    options = {"bitspersample": 12} if reason == "of 12 bits" else {}
    pixels = np.arange(256, dtype=dtype).reshape(16, 16)
    (tmp_path / "x.jpg").write_bytes(getattr(imagecodecs, encode)(pixels, **options))
    with pytest.raises(PictureError, match=f"JPEG {reason} is not read"):
        _read(tmp_path / "x.jpg")
