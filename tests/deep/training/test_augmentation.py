"""Augmentation: what may vary varies, and nothing else."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray

from deep.training.augmentation import Augmentation
from retrieval.errors import SettingError

OFF = {field.name: "none" if field.name == "flips" else 0.0 for field in fields(Augmentation)}


def squares(n: int = 4, side: int = 24, grey: bool = False) -> NDArray[np.uint8]:
    drawn = np.random.default_rng(0).integers(40, 216, (n, 1 if grey else 3, side, side), dtype=np.uint8)
    return np.repeat(drawn, 3, axis=1) if grey else drawn


def vary(pixels: NDArray[np.uint8], seed: int = 0, **settings: object) -> NDArray[np.uint8]:
    return Augmentation(**{**OFF, **settings}).vary(pixels, np.random.default_rng(seed))  # type: ignore[arg-type]


def test_nothing_varies_where_all_is_off() -> None:
    np.testing.assert_array_equal(vary(squares()), squares())


@pytest.mark.parametrize("name", [name for name in OFF if name != "flips"])
def test_each_setting_changes_pixels_alone(name: str) -> None:
    assert (vary(squares(20), **{name: {"rotation": 20.0, "shift": 0.4}.get(name, 0.9)}) != squares(20)).any()


def test_a_horizontal_flip_mirrors_left_and_right_only() -> None:
    before = squares(40)
    after = vary(before, flips="horizontal")
    kinds = {
        "as it is" if (a == b).all() else "mirrored" if (a == b[:, :, ::-1]).all() else "else"
        for a, b in zip(after, before, strict=True)
    }
    assert kinds == {"as it is", "mirrored"}


def test_both_flips_make_four_views() -> None:
    before = squares(60)
    views = {"": np.s_[:, :, :], "h": np.s_[:, :, ::-1], "v": np.s_[:, ::-1], "hv": np.s_[:, ::-1, ::-1]}
    after = vary(before, flips="both")
    found = {
        next(name for name, view in views.items() if (a == b[view]).all())
        for a, b in zip(after, before, strict=True)
    }
    assert found == set(views)


def test_grey_stays_grey() -> None:
    after = Augmentation().vary(squares(30, grey=True), np.random.default_rng(0))
    assert (after == after[:, :1]).all()
    assert (after != squares(30, grey=True)).any()


def test_the_squares_given_stay_as_they_are() -> None:
    before = squares(20)
    Augmentation(erasing=1.0).vary(before, np.random.default_rng(0))
    np.testing.assert_array_equal(before, squares(20))


def test_the_seed_decides() -> None:
    one, again, other = (Augmentation().vary(squares(), np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert one.shape == squares().shape and one.dtype == np.uint8


def test_an_erased_rectangle_is_filled_with_the_mean() -> None:
    before = squares(1, side=40)
    after = vary(before, erasing=1.0)
    changed = (after != before).any(axis=1)[0]
    rows, cols = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    inside = after[0][:, rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    np.testing.assert_array_equal(np.unique(inside[0]), [int(before[0, 0].mean())])
    assert 0.01 < changed.mean() < 0.25


def test_a_turn_keeps_the_middle_in_place() -> None:
    drawn = np.zeros((1, 3, 41, 41), dtype=np.uint8)
    drawn[:, :, 18:23, 18:23] = 200
    for seed in range(5):
        turned = vary(drawn, seed, rotation=180.0)[0, 0].astype(float)
        centre = (
            (turned * np.arange(41)).sum() / turned.sum(),
            (turned.T * np.arange(41)).sum() / turned.sum(),
        )
        assert centre == pytest.approx((20, 20), abs=0.2)


@pytest.mark.parametrize(
    "settings", [{"rotation": 181}, {"shift": -0.1}, {"flips": "vertical"}, {"erasing": 1.1}]
)
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(SettingError, match=next(iter(settings))):
        Augmentation(**settings)  # type: ignore[arg-type]
