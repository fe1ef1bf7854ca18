"""Slides: parts of them at a scale have the right pixels, whatever file they are in."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import tifffile
from support.slides import tissue_image, write_dicom_slide, write_slide

from benchmarks.shared.slides import write_huge
from retrieval.errors import PictureError
from retrieval.readers import DamagedFrame, read_pictures
from retrieval.readers.guarded import read_guarded
from retrieval.readers.slides.opening import open_slide
from retrieval.readers.slides.slide import overview, read_field
from retrieval.readers.tiling import Field, Tile, Tiling, Tissue

ALL = Tissue(0.0, None, 0.0)
IMAGE = tissue_image(900, 1300, 1)


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    """A pyramid in each kind of file, all of one image of 0.5 µm a pixel."""
    folder = tmp_path_factory.mktemp("slides")
    write_slide(folder / "plain.tif", IMAGE)
    write_slide(folder / "ome.ome.tif", IMAGE, is_ome=True)
    aperio = "Aperio Image Library v1\r\n1300x900 [0,0 1300x900] (256x256) J/W|AppMag = 20|MPP = 0.5"
    with tifffile.TiffWriter(folder / "aperio.svs") as file:
        file.write(IMAGE, tile=(256, 256), photometric="rgb", compression="jpeg",
                   compressionargs={"level": 100}, description=aperio, metadata=None)  # fmt: skip
    write_dicom_slide(folder / "dicom.dcm", IMAGE)
    return folder


@pytest.fixture(params=["plain.tif", "ome.ome.tif", "aperio.svs", "dicom.dcm"])
def path(slides, request):
    pytest.importorskip({"aperio.svs": "openslide", "dicom.dcm": "wsidicom"}.get(request.param, "tifffile"))
    return slides / request.param


def test_a_field_at_the_finest_scale_is_what_the_file_holds(path) -> None:
    with open_slide(path) as slide:
        assert slide.about.spacing == pytest.approx((0.5, 0.5))
        values = read_field(slide, Field(0.5, 301, 203, 333, 222), (0.5, 0.5))
    # JPEG at its best quality moves a pixel by a few levels.
    assert np.abs(values.astype(int) - IMAGE[203:425, 301:634]).mean() < (
        3 if path.suffix == ".svs" else 1e-9
    )


def test_a_field_at_a_coarser_scale_is_the_mean_of_what_it_covers(path) -> None:
    with open_slide(path) as slide:
        values = read_field(slide, Field(2.0, 200, 100, 512, 400), (0.5, 0.5))
    wanted = IMAGE[100:500, 200:712].reshape(100, 4, 128, 4, 3).mean(axis=(1, 3))
    assert values.shape == (100, 128, 3)
    assert np.abs(values - wanted).mean() < 1.5


def test_what_is_outside_of_a_slide_is_white(path) -> None:
    with open_slide(path) as slide:
        values = read_field(slide, Field(0.5, -10, -20, 40, 30), (0.5, 0.5))
    assert (values[:20] == 255).all()
    assert (values[:, :10] == 255).all()
    assert np.abs(values[20:, 10:].astype(int) - IMAGE[:10, :30]).mean() < 5


def test_where_openslide_has_nothing_the_ground_of_the_scanner_is_shown(slides) -> None:
    pytest.importorskip("openslide")
    with open_slide(slides / "aperio.svs") as slide:
        values = slide.read(0, (890, 1290, 20, 20))
        inside = slide.read(0, (890, 1290, 10, 10))
    assert np.array_equal(values[:10, :10], inside)
    assert (values[10:] == 255).all()
    assert (values[:, 10:] == 255).all()
    assert values.flags.c_contiguous


def test_tiles_are_images_with_their_place_and_scale(path) -> None:
    tiling = Tiling((1.0,), 128, tissue=ALL)
    pictures = list(read_pictures(path, "x", tiling=tiling))
    # 450 × 650 µm: the last column has 10 µm, which is less than half a tile; the last row has 66.
    assert [p.id for p in pictures][:6] == [f"x#1.0um/{col},0" for col in range(5)] + ["x#1.0um/0,1"]
    assert len(pictures) == 5 * 4
    last = pictures[-1]
    assert last.id == "x#1.0um/4,3"
    assert last.shape == (66, 128)
    assert last.spacing == (0.001, 0.001)
    assert last.groups["slide"] == "x"
    box = {key: last.metadata[key] for key in ("um_per_px", "x", "y", "width", "height")}
    assert box == pytest.approx(
        {"um_per_px": 1.0, "x": 1024, "y": 768, "width": 256, "height": 132}, abs=0.01
    )
    wanted = cv2.resize(IMAGE[768:900, 1024:1280], (128, 66), interpolation=cv2.INTER_AREA)
    assert np.abs(last.pixels * 255 - wanted).mean() < 2


def test_a_tile_that_is_named_is_read_alone(path) -> None:
    tiling = Tiling((1.0,), 128, tissue=ALL)
    (all_of_it,) = [p for p in read_pictures(path, "x", tiling=tiling) if p.id == "x#1.0um/2,1"]
    (named,) = read_guarded(path, "x", frames=[Tile(1.0, 1, 2)], tiling=tiling)
    assert named.id == all_of_it.id
    assert np.array_equal(named.pixels, all_of_it.pixels)
    assert named.metadata == all_of_it.metadata


def test_only_tiles_on_tissue_are_read(slides) -> None:
    names = {p.id for p in read_pictures(slides / "plain.tif", "x", tiling=Tiling((1.0,), 64))}
    assert "x#1.0um/5,3" in names  # the middle of the ellipse
    assert "x#1.0um/0,0" not in names  # a corner is glass


def test_a_scale_finer_than_the_slide_is_said_to_be_so(slides) -> None:
    damaged: list[DamagedFrame] = []
    tiling = Tiling((0.25, 1.0), 128)
    pictures = list(read_pictures(slides / "plain.tif", "x", tiling=tiling, report=damaged.append))
    assert {p.metadata["um_per_px"] for p in pictures} == {1.0}
    assert [(d.number, "coarser than the 0.25" in d.reason) for d in damaged] == [("0.25um", True)]


def test_a_field_is_read_without_any_tiling(slides) -> None:
    (field,) = read_pictures(slides / "plain.tif", "x", frames=[Field(1.0, 100, 100, 300, 200)])
    assert field.id == "x#1.0um/100,100,300,200"
    assert field.shape == (100, 150)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (Tile(1.0, 0, 9), "there is no tile 1.0um/9,0; the slide has 5 × 4 at that scale"),
        (Field(1.0, 5000, 0, 10, 10), "outside the slide"),
        (Field(0.2, 0, 0, 10, 10), "coarser than the 0.2"),
        (Field(0.5, 0, 0, 90_000, 90_000), "larger than the 100,000,000 allowed"),
        (3, "it is a whole slide"),
    ],
)
def test_a_part_that_is_not_there_is_refused(slides, frame, message) -> None:
    with pytest.raises(PictureError, match=message):
        list(read_pictures(slides / "plain.tif", "x", frames=[frame], tiling=Tiling((1.0,), 128)))


def test_a_photograph_has_no_tiles(tmp_path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), IMAGE[:60, :50])
    (picture,) = read_pictures(tmp_path / "a.png", "a.png", tiling=Tiling((1.0,), 128))
    assert picture.id == "a.png"
    with pytest.raises(PictureError, match="the file is no whole slide"):
        list(read_pictures(tmp_path / "a.png", "a.png", frames=[Tile(1.0, 0, 0)]))


def test_a_slide_of_a_hundred_thousand_rows_is_opened_and_read_in_parts(tmp_path) -> None:
    path = write_huge(tmp_path / "huge.tif", 100_000)
    with open_slide(path) as slide:
        assert (slide.levels[0].rows, slide.levels[0].cols) == (100_000, 100_000)
        assert max(overview(slide, 2048).shape) <= 2048
        first = read_field(slide, Field(0.25, 256, 512, 256, 256), (0.25, 0.25))
        later = read_field(slide, Field(0.25, 99_840, 99_840, 160, 160), (0.25, 0.25))
    assert np.array_equal(first[:160, :160], later)


def test_levels_of_one_series_are_one_slide(tmp_path) -> None:
    pytest.importorskip("wsidicom")
    write_dicom_slide(tmp_path / "a.dcm", IMAGE)
    half = cv2.resize(IMAGE, (650, 450), interpolation=cv2.INTER_AREA)
    kind = ["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"]
    write_dicom_slide(tmp_path / "b.dcm", half, 1.0, ImageType=kind)
    with open_slide(tmp_path / "a.dcm") as slide:
        assert [(level.rows, level.cols) for level in slide.levels] == [(900, 1300), (450, 650)]
        assert np.array_equal(
            read_field(slide, Field(1.0, 200, 100, 400, 300), (0.5, 0.5)), half[50:200, 100:300]
        )
    with pytest.raises(PictureError, match="lower level of a slide"):
        list(read_pictures(tmp_path / "b.dcm", "b.dcm", tiling=Tiling((1.0,))))
