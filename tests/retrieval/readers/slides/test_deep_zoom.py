"""Facts about deep zoom: which squares a slide has, and that they show what is there."""

from __future__ import annotations

import numpy as np
import pytest
from support.slides import tissue_image, write_slide

from retrieval.errors import PictureError
from retrieval.readers.slides import deep_zoom
from retrieval.readers.slides.deep_zoom import n_levels, read_zoom_tile, zoom_tile
from retrieval.readers.slides.opening import open_slide

IMAGE = tissue_image(700, 2100, 3)


@pytest.fixture(scope="module", params=[1, 3])
def path(request, tmp_path_factory):
    """A slide with lower levels, and one without any."""
    return write_slide(tmp_path_factory.mktemp("zoom") / "s.tif", IMAGE, levels=request.param, um_per_px=None)


def shrunk(times: int) -> np.ndarray:
    rows, cols = (n // times * times for n in IMAGE.shape[:2])
    return IMAGE[:rows, :cols].reshape(rows // times, times, cols // times, times, 3).mean(axis=(1, 3))


def test_the_last_level_is_one_square() -> None:
    assert [n_levels(size) for size in ((256, 9), (257, 9), (1100, 700), (100_000, 100_000))] == [1, 2, 4, 10]


def test_the_finest_level_is_that_of_the_slide(path) -> None:
    (found,) = read_zoom_tile(path, 0, 1, 2)
    assert np.array_equal(found, IMAGE[512:700, 256:512])


def test_a_level_is_the_mean_of_the_pixels_below(path) -> None:
    (found,) = read_zoom_tile(path, 2, 2, 0)
    expected = shrunk(4)[:, 512:]
    assert found.shape == (175, 13, 3)
    assert np.abs(found[:, : expected.shape[1]] - expected).max() <= 1.5  # rounded once a level


def test_strips_are_the_same_as_the_whole(path, monkeypatch) -> None:
    with open_slide(path) as slide:
        whole = zoom_tile(slide, 2, 0, 0)
        monkeypatch.setattr(deep_zoom, "_MOST_READ", 1 << 12)
        strips = zoom_tile(slide, 2, 0, 0)
    assert whole.shape == (175, 256, 3)
    assert np.abs(whole.astype(int) - strips).max() <= 1


@pytest.mark.parametrize("place", [(0, 9, 0), (0, 0, 3), (5, 0, 0), (-1, 0, 0), (0, -1, 0)])
def test_a_square_that_is_not_there_is_refused(path, place) -> None:
    with pytest.raises(PictureError, match="has no square"):
        next(read_zoom_tile(path, *place))


def test_a_file_that_was_written_anew_is_read_anew(tmp_path) -> None:
    path = write_slide(tmp_path / "s.tif", IMAGE)
    next(read_zoom_tile(path, 0, 0, 0))
    write_slide(path, 255 - IMAGE, levels=2)
    assert np.array_equal(next(read_zoom_tile(path, 0, 0, 0)), 255 - IMAGE[:256, :256])


def test_another_image_has_no_squares(tmp_path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "i.png"), IMAGE)
    assert list(read_zoom_tile(tmp_path / "i.png", 0, 0, 0)) == []
