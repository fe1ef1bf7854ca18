"""Damaged and odd slides: each is read right, or refused with the true reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.slides import tissue_image, write_dicom_slide, write_slide

from retrieval.errors import PictureError
from retrieval.readers import read_pictures
from retrieval.readers.guarded import read_guarded
from retrieval.readers.slides.tiff_slide import TiffSlide
from retrieval.readers.tiling import Tiling, Tissue

IMAGE = tissue_image(512, 768, 5)
TILING = Tiling((1.0,), 128, tissue=Tissue(0.0, None, 0.0))


def _write(path: Path, image=IMAGE, **options) -> Path:
    """Write a TIFF of two levels, 0.5 µm a pixel."""
    about = {"tile": (256, 256), "photometric": "rgb", "metadata": None, **options}
    with tifffile.TiffWriter(path) as file:
        file.write(image, resolution=(20_000, 20_000), resolutionunit=3, **about)
        half = image[:, ::2, ::2] if about.get("planarconfig") == "separate" else image[::2, ::2]
        file.write(half, subfiletype=1, **{k: v for k, v in about.items() if k != "description"})
    return path


def _cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def _spoil_tile(path: Path, data: bytes = b"\x5a" * 40) -> Path:
    with tifffile.TiffFile(path) as file:
        start = file.pages[0].dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)
    return path


def _set_counts(path: Path, value: int) -> Path:
    with tifffile.TiffFile(path, mode="r+") as file:
        tag = file.pages[0].tags["TileByteCounts"]
        tag.overwrite((value, *tag.value[1:]))
    return path


def _named(path: Path, name: str) -> Path:
    rgb = {"tile": (256, 256), "photometric": "rgb"}
    with tifffile.TiffWriter(path, ome=True) as file:
        file.write(IMAGE, metadata={"axes": "YXS", "Name": name}, subifds=1, **rgb)
        file.write(IMAGE[::2, ::2], subfiletype=1, **rgb)
    return path


REFUSED = {
    "truncated": (lambda p: _cut(_write(p), 0.3), r"damaged|truncated|truncat|unpack|read|offset|corrupt"),
    "deep": (lambda p: _write(p, IMAGE.astype(np.uint16) * 256), "its samples are uint16, not 8 bits"),
    "planar": (
        lambda p: _write(p, np.ascontiguousarray(np.moveaxis(IMAGE, 2, 0)), planarconfig="separate"),
        "no slide in colour that can be read",
    ),
    "cmyk": (
        lambda p: _write(p, np.dstack([IMAGE, IMAGE[..., 0]]), photometric="separated"),
        "its colours are SEPARATED",
    ),
    "no scale": (lambda p: write_slide(p, IMAGE, um_per_px=None), "give --assume-um-per-px"),
    "print resolution": (lambda p: write_slide(p, IMAGE, um_per_px=352.8), "give --assume-um-per-px"),
    "label": (lambda p: _named(p, "label"), "a label or an overview alone, which may show a name"),
    "coarse": (lambda p: write_slide(p, IMAGE, um_per_px=4.0), "coarser than the 1 asked for"),
}
READ = {
    "grey": lambda p: _write(p, IMAGE[..., 1], photometric="minisblack"),
    "transparent": lambda p: _write(
        p, np.dstack([IMAGE, np.full((512, 768), 255, np.uint8)]), extrasamples=[2]
    ),
    "sparse": lambda p: _set_counts(_write(p), 0),
    "one level": lambda p: write_slide(p, tissue_image(512, 2304, 5), levels=1),
    "odd tiles": lambda p: _write(p, tile=(112, 208)),
    "jpeg 2000": lambda p: _write(p, compression="jpeg2000"),
    "lzw": lambda p: _write(p, compression="lzw", predictor=True),
    "webp": lambda p: _write(p, compression="webp", compressionargs={"lossless": True}),
    "big tiff": lambda p: tifffile.TiffFile(_write(p)).close() or p,
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_slide_that_cannot_be_read_is_refused_with_the_reason(tmp_path, name) -> None:
    write, reason = REFUSED[name]
    path = write(tmp_path / "s.tif")
    with pytest.raises(PictureError, match=rf"^s\.tif.*({reason})"):
        list(read_pictures(path, "s.tif", tiling=TILING))


@pytest.mark.parametrize("name", READ)
def test_an_odd_slide_is_read_right(tmp_path, name) -> None:
    pictures = {p.id: p.pixels for p in read_pictures(READ[name](tmp_path / "s.tif"), "s", tiling=TILING)}
    wanted = tissue_image(512, 2304, 5) if name == "one level" else IMAGE
    # Tile 2,1 is columns 512 to 767 and rows 256 to 511 of the finest level.
    part = wanted[256:512, 512:768].reshape(128, 2, 128, 2, 3)
    part = part.mean(axis=(1, 3)) if name == "one level" else part[:, 0, :, 0]
    part = np.repeat(part[..., 1:2], 3, axis=2) if name == "grey" else part
    assert np.abs(pictures["s#1.0um/2,1"] * 255 - part).mean() < 2


def test_a_jpeg_tile_that_is_cut_off_is_not_shown_half_grey(tmp_path) -> None:
    path = write_slide(tmp_path / "s.tif", IMAGE, levels=1, compression="jpeg")
    with tifffile.TiffFile(path) as file:
        start, n = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    data = bytearray(path.read_bytes())
    data[start + n * 2 // 3 : start + n * 2 // 3 + 2] = b"\xff\xd9"
    path.write_bytes(data)
    slide = TiffSlide(path)
    with pytest.raises(PictureError, match="truncated within a JPEG tile"):
        slide.read(0, (0, 0, 256, 256))
    assert np.abs(slide.read(0, (0, 256, 256, 256)) - IMAGE[:256, 256:512].astype(float)).mean() < 5
    slide.close()


def test_a_tile_that_the_file_leaves_out_is_white(tmp_path) -> None:
    fine = Tiling((0.5,), 256, tissue=TILING.tissue)
    path = _set_counts(_write(tmp_path / "s.tif"), 0)
    pictures = {p.id: p.pixels for p in read_pictures(path, "s", tiling=fine)}
    assert (pictures["s#0.5um/0,0"] == 1).all()
    assert np.allclose(pictures["s#0.5um/1,0"] * 255, IMAGE[:256, 256:512], atol=1e-3)


@pytest.mark.parametrize(("extra", "shade"), [(1, 1), (2, 1), (0, 0)])
def test_what_a_slide_leaves_transparent_is_glass(tmp_path, extra, shade) -> None:
    # As other programs write what a scanner has not seen; without alpha black is black.
    image = np.dstack([IMAGE, np.full(IMAGE.shape[:2], 255, np.uint8)])
    image[:200, :100] = 0
    image[300, 300, 3] = 0
    path = _write(tmp_path / "s.tif", image, extrasamples=[extra])
    fine = Tiling((0.5,), 256, tissue=TILING.tissue)
    pictures = {p.id: p.pixels for p in read_pictures(path, "s", tiling=fine)}
    assert (pictures["s#0.5um/0,0"][:200, :100] == shade).all()
    assert np.allclose(pictures["s#0.5um/0,0"][200:] * 255, IMAGE[200:256, :256], atol=1e-3)
    assert np.allclose(pictures["s#0.5um/1,1"] * 255, IMAGE[256:512, 256:512], atol=1e-3)


@pytest.mark.parametrize(
    ("compression", "data"),
    [("deflate", b"\x5a" * 40), ("jpeg", b"\x5a" * 40)],
)
def test_a_damaged_tile_costs_no_other(tmp_path, compression, data) -> None:
    fine = Tiling((0.5,), 256, tissue=TILING.tissue)
    path = _spoil_tile(_write(tmp_path / "s.tif", compression=compression), data)
    damaged: list[object] = []
    names = [p.id for p in read_pictures(path, "s", tiling=fine, report=lambda d: damaged.append(d.number))]
    assert damaged == ["0.5um/0,0"]
    assert len(names) == 5


def test_a_damaged_lower_level_costs_no_tile_of_the_finest(tmp_path) -> None:
    path = _write(tmp_path / "s.tif", compression="deflate")
    with tifffile.TiffFile(path) as file:
        start = file.pages[1].dataoffsets[1]
    path.write_bytes(path.read_bytes()[: start + 10])
    names = [p.id for p in read_pictures(path, "s", tiling=Tiling((0.5,), 128))]
    assert "s#0.5um/2,2" in names


def test_a_tile_that_claims_another_size_is_damaged(tmp_path) -> None:
    import imagecodecs

    path = _write(tmp_path / "s.tif", compression="jpeg", compressionargs={"level": 95})
    small = imagecodecs.jpeg_encode(np.zeros((64, 512, 3), np.uint8), level=50)
    fine = Tiling((0.5,), 256, tissue=TILING.tissue)
    reasons: list[str] = []
    list(read_pictures(_spoil_tile(path, small), "s", tiling=fine, report=lambda d: reasons.append(d.reason)))
    assert len(reasons) == 1


DICOM = {
    "no places": ({"DimensionOrganizationType": None}, "neither where its tiles are"),
    "label": ({"ImageType": ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]}, "label or overview of a slide"),
    "overview": ({"ImageType": ["ORIGINAL", "PRIMARY", "OVERVIEW", "NONE"]}, "label or overview of a slide"),
    "level": ({"ImageType": ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]}, "lower level of a slide"),
    "second part": ({"ConcatenationUID": "1.2", "InConcatenationNumber": 2}, "part 2 of a slide"),
    "no kind": ({"ImageType": None}, "wsidicom refuses it|no kind"),
}


@pytest.mark.parametrize("name", DICOM)
def test_a_slide_in_dicom_that_cannot_be_read_is_refused_with_the_reason(tmp_path, name) -> None:
    pytest.importorskip("wsidicom")
    changes, reason = DICOM[name]
    path = write_dicom_slide(tmp_path / "s.dcm", IMAGE, **changes)
    with pytest.raises(PictureError, match=reason):
        list(read_guarded(path, "s.dcm", tiling=TILING))


def test_a_damaged_tile_of_a_scanner_costs_no_other(tmp_path) -> None:
    pytest.importorskip("openslide")
    about = "Aperio Image Library v1\r\n768x512 (256x256) J/W|AppMag = 20|MPP = 0.5"
    path = _spoil_tile(_write(tmp_path / "s.svs", description=about, compression="jpeg"))
    fine = Tiling((0.5,), 256, tissue=TILING.tissue)
    damaged: list[object] = []
    names = [p.id for p in read_pictures(path, "s", tiling=fine, report=lambda d: damaged.append(d.number))]
    assert damaged == ["0.5um/0,0"]
    assert len(names) == 5
