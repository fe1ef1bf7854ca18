"""The marks of a query: boxes, polygons, masks, points, in pixels and millimetres, with a margin."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cli.main import main
from cli.options.command import command
from cli.options.parameters import Arguments
from cli.options.region_flags import mark_of, region_of, region_options
from retrieval.errors import OptionError, SettingError
from retrieval.picture import Picture
from retrieval.region import Region
from viewer.queries.marked_region import Canvas


def parsed(*flags: str) -> Arguments:
    made = command("")(region_options(lambda args: 0))
    args = made.arguments(made.make_context("query", list(flags)))
    mark_of(args)
    return args


def canvas(shape: tuple[int, int] = (40, 60), spacing: tuple[float, float] | None = None) -> Canvas:
    levels = np.zeros(shape, dtype=np.float32)
    levels[: shape[0] // 2] = 1
    return Canvas(shape, spacing, lambda: Picture(levels, id="it"))


def mask(flags: tuple[str, ...], where: Canvas) -> np.ndarray:
    region = region_of(parsed(*flags), where)
    assert region is not None
    return region.mask(where.shape)


def expected(rows: slice, cols: slice, shape: tuple[int, int] = (40, 60)) -> np.ndarray:
    found = np.zeros(shape, dtype=bool)
    found[rows, cols] = True
    return found


def test_nothing_marked_is_the_whole_picture() -> None:
    assert region_of(parsed(), canvas()) is None


def test_a_box_is_x_y_width_height() -> None:
    np.testing.assert_array_equal(
        mask(("--region", "10,20,30,5"), canvas()), expected(slice(20, 25), slice(10, 40))
    )


def test_a_box_in_millimetres_goes_by_the_spacing() -> None:
    found = mask(("--region", "10,5,30,5", "--mm"), canvas(spacing=(0.5, 2.0)))
    np.testing.assert_array_equal(found, expected(slice(10, 20), slice(5, 20)))


def test_a_polygon_is_x_and_y_of_its_corners() -> None:
    found = mask(("--polygon", "10,5,30,5,30,15,10,15"), canvas())
    np.testing.assert_array_equal(found, expected(slice(5, 15), slice(10, 30)))


def test_a_mask_is_taken_as_it_is(tmp_path: Path) -> None:
    drawn = np.zeros((40, 60), np.uint8)
    cv2.circle(drawn, (30, 20), 9, 255, -1)
    drawn[0, 0] = 7
    assert cv2.imwrite(str(tmp_path / "mask.png"), drawn)
    np.testing.assert_array_equal(mask(("--mask", str(tmp_path / "mask.png")), canvas()), drawn > 0)


def test_a_point_is_the_superpixel_under_it() -> None:
    found = mask(("--point", "30,10"), canvas((200, 200)))
    assert found[10, 30]
    assert 20 < np.count_nonzero(found) < 400
    assert not found[101:].any(), "it ends where the grey level does"


def test_a_margin_adds_all_so_near() -> None:
    plain = mask(("--region", "20,10,10,10"), canvas())
    wide = mask(("--region", "20,10,10,10", "--margin", "4"), canvas())
    away = cv2.distanceTransform((~plain).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    np.testing.assert_array_equal(wide, away <= 4)


def test_a_margin_in_millimetres_is_as_wide_both_ways_in_pixels_that_are_not_square() -> None:
    # Pixels of 2 mm along a column and 0.5 mm along a row: 4 mm are 2 rows and 8 columns.
    flags = ("--region", "10,20,5,20", "--mm", "--margin", "4")
    wide = mask(flags, canvas(spacing=(2.0, 0.5)))
    rows, cols = np.nonzero(wide)
    assert (rows.min(), rows.max()) == (10 - 2, 19 + 2)
    assert (cols.min(), cols.max()) == (20 - 8, 29 + 8)
    # Round in millimetres: 4 mm away straight on, but not at a corner.
    assert wide[8, 25] and wide[15, 12]
    assert not wide[8, 12]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--region", "1,1,5,5", "--point", "3,3"), "--region and --point"),
        (("--mm",), "--mm: there is no region"),
        (("--margin", "3"), "--margin: there is no region"),
        (("--region", "70,1,5,5"), "is outside the image, which has 60 × 40 pixels"),
        (("--polygon", "70,1,80,1,80,9"), "--polygon: holds no pixel"),
        (("--polygon", "1,1,9,9,5,5"), "--polygon: holds no pixel"),
        (("--point", "61,3"), "--point: 61,3 is outside"),
        (("--region", "1,1,5,5", "--mm"), "does not say how large its pixels are"),
        (("--mask", "nowhere.png"), "nowhere.png: no such file"),
        (("--mask", "/"), "/: is a folder; name the mask in it"),
    ],
)
def test_what_marks_nothing_is_refused(flags: tuple[str, ...], said: str) -> None:
    with pytest.raises(OptionError) as refused:
        region_of(parsed(*flags), canvas())
    assert said in refused.value.by_flags


@pytest.mark.parametrize(("shape", "level", "said"), [((40, 61), 9, "61 × 40"), ((40, 60), 0, "is black")])
def test_a_mask_that_does_not_fit_is_refused(
    tmp_path: Path, shape: tuple[int, int], level: int, said: str
) -> None:
    path = tmp_path / "mask.png"
    assert cv2.imwrite(str(path), np.full(shape, level, np.uint8))
    with pytest.raises(SettingError, match=said):
        region_of(parsed("--mask", str(path)), canvas())


@pytest.mark.parametrize(
    "flags", [("--polygon", "1,2,3,4"), ("--polygon", "1,2,x"), ("--point", "1"), ("--margin", "-1")]
)
def test_what_is_no_mark_is_wrong_usage(flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", "i", "x.png", *flags]) == 2
    assert flags[0] in capsys.readouterr().err


@given(arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_the_region_of_a_mask_holds_it_without_its_holes(marked: np.ndarray) -> None:
    if not marked.any():
        with pytest.raises(SettingError):
            Region.from_mask(marked)
        return
    region = Region.from_mask(marked)
    np.testing.assert_array_equal(region.mask(marked.shape), marked)
    rows, cols = np.indices(marked.shape, dtype=np.float64).reshape(2, -1)
    np.testing.assert_array_equal(region.contains(rows, cols), marked.ravel())


def test_a_speckled_mask_keeps_its_largest_holes() -> None:
    marked = np.ones((60, 60), bool)
    marked[20:40, 20:40] = False
    marked[1:19:2, 1:59:2] = False  # 261 specks
    held = Region.from_mask(marked).mask(marked.shape)
    assert not held[20:40, 20:40].any()
    assert held[marked].all() and 99 <= (held == 0)[:20].sum() <= 100


@pytest.mark.parametrize(
    ("flags", "reaches_out"),
    [
        (("--region", "50,30,20,20"), True),
        (("--region", "-5,0,20,20"), True),
        (("--region", "0,0,60,40"), False),
        (("--polygon", "10,5,80,5,30,15"), True),
        (("--polygon", "10,5,30,5,30,15"), False),
        (("--region", "10,10,100,10", "--mm"), False),
        (("--region", "10,10,111,10", "--mm"), True),
    ],
)
def test_a_region_that_reaches_outside_is_cut_and_that_is_said(
    flags: tuple[str, ...], reaches_out: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mask(flags, canvas(spacing=(1.0, 2.0))).any()
    said = "note: the region reaches outside the image, 60 × 40 pixels; only the part inside counts\n"
    assert capsys.readouterr().err == (said if reaches_out else "")
