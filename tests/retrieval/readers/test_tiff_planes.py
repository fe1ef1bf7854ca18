"""TIFF stacks and channels: one window for a file, an image for each channel, and true colours."""

import struct

import imagecodecs
import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image
from support.dicom_files import write_dicom

from retrieval.readers import read_pictures
from retrieval.readers.slides.opening import open_slide
from retrieval.readers.window import Window

RNG = np.random.default_rng(0)
STACK = np.stack(
    [
        RNG.integers(0, 4000, (32, 32)),
        RNG.integers(100, 104, (32, 32)),
        RNG.integers(0, 2000, (32, 32)),
    ]
).astype(np.uint16)


def _pixels(path, **kwargs):
    return [picture.pixels for picture in read_pictures(path, path.name, **kwargs)]


def test_a_stack_looks_the_same_as_tiff_as_nifti_and_as_dicom(tmp_path):
    tifffile.imwrite(tmp_path / "s.tif", STACK, photometric="minisblack")
    nib.save(
        nib.Nifti1Image(STACK.transpose(2, 1, 0).astype(np.int16), np.diag([-1, -1, 3, 1])),
        tmp_path / "s.nii",
    )
    write_dicom(tmp_path / "s.dcm", STACK)
    first, second, third = (_pixels(tmp_path / f"s.{kind}") for kind in ("tif", "nii", "dcm"))
    np.testing.assert_allclose(first, second, atol=1e-6)
    np.testing.assert_allclose(first, third, atol=1e-6)
    assert first[1].max() < 0.03
    np.testing.assert_array_equal(_pixels(tmp_path / "s.tif", frames=[1])[0], first[1])


def test_a_preset_is_for_the_whole_stack(tmp_path):
    volume = np.stack([np.full((16, 16), -1000), np.full((16, 16), 40)]).astype(np.int16)
    tifffile.imwrite(tmp_path / "s.tif", volume, photometric="minisblack")
    # The second page alone has no air, and would not be known for Hounsfield units.
    assert _pixels(tmp_path / "s.tif", window=Window("brain"))[1].mean() == 0.5


@pytest.mark.parametrize("layout", ["contig", "separate"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_channels_are_images(tmp_path, layout, kind):
    channels = np.stack([np.zeros((16, 16))] + [RNG.integers(0, 256, (16, 16)) for _ in range(4)]).astype(
        kind
    )
    stored = np.moveaxis(channels, 0, -1) if layout == "contig" else channels
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="minisblack", planarconfig=layout)
    pages = tmp_path / "pages.tif"
    tifffile.imwrite(pages, channels, photometric="minisblack")
    ids = [picture.id for picture in read_pictures(tmp_path / "x.tif", "x.tif")]
    assert ids == [f"x.tif#{n}" for n in range(5)]
    np.testing.assert_array_equal(_pixels(tmp_path / "x.tif"), _pixels(pages))


def test_two_samples_called_rgb_are_channels_and_grey_with_alpha_is_one_image(tmp_path):
    two = RNG.integers(0, 256, (16, 16, 2), dtype=np.uint8)
    tifffile.imwrite(
        tmp_path / "x.tif", two, photometric="minisblack", extrasamples=["unassalpha"], planarconfig="contig"
    )
    assert len(_pixels(tmp_path / "x.tif")) == 1
    tifffile.imwrite(tmp_path / "y.tif", two, photometric="minisblack", planarconfig="contig")
    assert len(_pixels(tmp_path / "y.tif")) == 2


def test_colours_with_associated_alpha_are_on_black_already(tmp_path):
    rgba = np.full((4, 4, 4), 51, np.uint8)
    tifffile.imwrite(tmp_path / "x.tif", rgba, photometric="rgb", extrasamples=["assocalpha"])
    np.testing.assert_allclose(_pixels(tmp_path / "x.tif")[0] * 255, 51, atol=1e-4)


@pytest.mark.parametrize("top", [65535, 32767, 5000])
def test_a_dark_palette_is_dark(tmp_path, top):
    grey = RNG.integers(0, 256, (16, 16), dtype=np.uint8)
    palette = np.stack([np.linspace(0, top / n, 256) for n in (1, 2, 3)]).astype(np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", grey, photometric="palette", colormap=palette)
    expected = palette[:, grey].transpose(1, 2, 0) / 65535
    np.testing.assert_allclose(_pixels(tmp_path / "x.tif")[0], expected, atol=1e-6)


def test_a_palette_of_two_colours_is_looked_up(tmp_path):
    marks = RNG.integers(0, 2, (16, 16), dtype=np.uint8)
    colours = np.array([[200, 30, 40], [10, 220, 50]])
    palette, strip = (colours.T.ravel() * 257).astype("<u2").tobytes(), np.packbits(marks, axis=1).tobytes()
    at = 8 + 2 + 12 * 8 + 4  # of the palette: header, and a directory of eight entries
    entries = [
        (256, 4, 1, 16),
        (257, 4, 1, 16),
        (258, 3, 1, 1),
        (262, 3, 1, 3),
        (273, 4, 1, at + len(palette)),
    ]
    entries += [(278, 4, 1, 16), (279, 4, 1, len(strip)), (320, 3, 6, at)]
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    data = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4) + palette + strip
    (tmp_path / "x.tif").write_bytes(data)
    np.testing.assert_allclose(_pixels(tmp_path / "x.tif")[0], colours[marks] / 255, atol=1e-6)


def test_a_palette_of_an_old_writer_has_8_bits(tmp_path):
    grey = RNG.integers(0, 256, (16, 16), dtype=np.uint8)
    palette = np.stack([np.arange(256)] * 3).astype(np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", grey, photometric="palette", colormap=palette)
    np.testing.assert_allclose(_pixels(tmp_path / "x.tif")[0][..., 0], grey / 255, atol=1e-6)


def test_dark_colours_of_16_bits_are_dark(tmp_path):
    rgb = RNG.integers(0, 4096, (16, 16, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", rgb, photometric="rgb")
    np.testing.assert_allclose(_pixels(tmp_path / "x.tif")[0], rgb / 65535, atol=1e-6)


@pytest.mark.parametrize("bits", [2, 4, 8, 12])
@pytest.mark.parametrize("is_ink", [False, True])
def test_colours_of_any_number_of_bits_reach_from_black_to_white(tmp_path, bits, is_ink):
    top = (1 << bits) - 1
    rgb = RNG.integers(0, top + 1, (16, 16, 3)).astype(np.uint8 if bits <= 8 else np.uint16)
    stored = np.dstack([top - rgb, np.zeros_like(rgb[..., :1])]) if is_ink else rgb
    how = {"photometric": "separated", "extrasamples": ()} if is_ink else {"photometric": "rgb"}
    tifffile.imwrite(tmp_path / "x.tif", stored, bitspersample=bits, **how)
    (picture,) = read_pictures(tmp_path / "x.tif", "x.tif")
    np.testing.assert_allclose(picture.pixels, rgb / top, atol=1e-6)


@pytest.mark.parametrize(("codec", "photometric"), [(33003, 6), (33003, 2), (34712, 6), (33005, 2)])
def test_jpeg_2000_tiles_of_slides_have_true_colours(tmp_path, codec, photometric):
    rgb = np.full((16, 16, 3), (200, 40, 90), np.uint8)
    rgb[8:] = (20, 140, 30)
    stored = rgb if codec == 33005 else np.asarray(Image.fromarray(rgb).convert("YCbCr"))
    tile = imagecodecs.jpeg2k_encode(
        np.ascontiguousarray(stored), codecformat="j2k", mct=False, level=0, reversible=True
    )
    tifffile.imwrite(
        tmp_path / "x.svs", iter([tile]), shape=(16, 16, 3), dtype=np.uint8, compression=codec,
        photometric=photometric, tile=(16, 16), metadata=None,
        subsampling=(1, 1) if photometric == 6 else None,
        description="Aperio Image Library v10\n16x16 |AppMag = 20|MPP = 0.5",
    )  # fmt: skip
    np.testing.assert_allclose(_pixels(tmp_path / "x.svs")[0] * 255, rgb, atol=2)


@pytest.mark.parametrize("is_mixed", [True, False])
def test_jpeg_2000_of_one_number_is_ycbcr_or_rgb_as_its_codestream_says(tmp_path, is_mixed):
    rgb = np.full((128, 128, 3), (200, 40, 90), np.uint8)
    rgb[64:] = (20, 140, 30)
    stored = rgb if is_mixed else np.ascontiguousarray(Image.fromarray(rgb).convert("YCbCr"))
    tile = imagecodecs.jpeg2k_encode(stored, codecformat="j2k", mct=is_mixed, level=0, reversible=True)
    how = {"dtype": np.uint8, "compression": 33003, "photometric": "rgb", "tile": (128, 128)}
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(iter([tile] * 4), shape=(256, 256, 3), metadata=None, **how)
        file.write(iter([tile]), shape=(128, 128, 3), subfiletype=1, metadata=None, **how)
    np.testing.assert_allclose(_pixels(tmp_path / "x.tif")[0][:128, 128:] * 255, rgb, atol=2)
    with open_slide(tmp_path / "x.tif") as slide:
        np.testing.assert_allclose(slide.read(0, (0, 128, 128, 128)).astype(int), rgb, atol=2)


@pytest.mark.parametrize(("good", "bad"), [('Y="0.5"', 'Y=""'), ('X="0.5"', 'X="0,5"'), ("µm", "ell")])
def test_a_size_that_cannot_be_read_costs_no_pixels(tmp_path, good, bad):
    grey = RNG.integers(0, 256, (16, 16), dtype=np.uint8)
    sizes = {f"PhysicalSize{axis}": 0.5 for axis in "XY"} | {f"PhysicalSize{axis}Unit": "µm" for axis in "XY"}
    tifffile.imwrite(tmp_path / "o.ome.tif", grey, metadata={"axes": "YX", **sizes})
    with tifffile.TiffFile(tmp_path / "o.ome.tif") as file:
        xml = file.ome_metadata
    assert good in xml
    tifffile.imwrite(tmp_path / "x.ome.tif", grey, description=xml.replace(good, bad).encode(), metadata=None)
    (picture,) = read_pictures(tmp_path / "x.ome.tif", "x.ome.tif")
    np.testing.assert_allclose(picture.pixels, grey / 255, atol=1e-6)
    assert picture.spacing is None


def test_greek_mu_is_micro(tmp_path):
    grey = RNG.integers(0, 256, (16, 16), dtype=np.uint8)
    sizes = {f"PhysicalSize{axis}": 0.5 for axis in "XY"} | {f"PhysicalSize{axis}Unit": "µm" for axis in "XY"}
    tifffile.imwrite(tmp_path / "o.ome.tif", grey, metadata={"axes": "YX", **sizes})
    with tifffile.TiffFile(tmp_path / "o.ome.tif") as file:
        xml = file.ome_metadata.replace("\u00b5", "\u03bc")
    tifffile.imwrite(tmp_path / "x.ome.tif", grey, description=xml.encode(), metadata=None)
    (picture,) = read_pictures(tmp_path / "x.ome.tif", "x.ome.tif")
    assert picture.spacing == pytest.approx((0.0005, 0.0005))
