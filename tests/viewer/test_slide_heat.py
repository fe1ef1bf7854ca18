"""The heat map of a slide: tiles are tinted by their scores, where they are."""

from __future__ import annotations

import numpy as np

from retrieval.readers.tiling import Field
from viewer.slide_heat import heat_over

GROUND = np.full((50, 100, 3), 200, np.uint8)
DARK, BRIGHT = (68, 1, 84), (253, 231, 37)  # the ends of viridis


def tint(colour):
    """Return a colour over the ground: 0.55 of it."""
    return np.array(colour) * 0.55 + 200 * 0.45


def test_the_best_tile_is_bright_and_the_least_dark() -> None:
    # A slide of 1,000 × 500: its pixels are ten of the drawing.
    scores = {Field(1.0, 0, 0, 200, 100): 0.2, Field(1.0, 400, 300, 200, 100): 0.9}
    drawn = heat_over(GROUND, scores, (1000, 500))
    assert np.abs(drawn[:10, :20] - tint(DARK)).max() <= 2
    assert np.abs(drawn[30:40, 40:60] - tint(BRIGHT)).max() <= 2
    assert (drawn[:, 70:] == 200).all()


def test_where_tiles_overlap_their_mean_counts() -> None:
    scores = {Field(1.0, 0, 0, 400, 500): 0.0, Field(1.0, 200, 0, 400, 500): 1.0}
    drawn = heat_over(GROUND, scores, (1000, 500))
    left, middle, right = (drawn[25, col].astype(int) for col in (10, 30, 50))
    assert np.abs(left - tint(DARK)).max() <= 2
    assert np.abs(right - tint(BRIGHT)).max() <= 2
    assert left[1] < middle[1] < right[1]


def test_one_score_alone_is_no_division_by_zero() -> None:
    drawn = heat_over(GROUND, {Field(1.0, 0, 0, 1000, 500): 0.5}, (1000, 500))
    assert np.abs(drawn - tint(DARK)).max() <= 2
