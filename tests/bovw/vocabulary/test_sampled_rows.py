"""Descriptors of many images in one array."""

from __future__ import annotations

import numpy as np

from bovw.vocabulary.sampled_rows import gather


def test_images_are_joined_in_order_and_each_can_be_taken_out_again() -> None:
    images = [np.full((n, 4), n, np.float16) for n in (3, 0, 40, 1)]
    shapes, tones = gather(({"shapes": rows, "tones": rows[:, :1]} for rows in images), "shapes", "tones")
    np.testing.assert_array_equal(shapes.together, np.concatenate(images))
    assert shapes.together.dtype == np.float16 and shapes.lengths == [3, 0, 40, 1]
    assert [len(rows) for rows in tones.images] == [3, 0, 40, 1] and tones.together.shape == (44, 1)
    assert shapes.images[2].base is shapes.together


def test_no_samples_make_an_empty_array() -> None:
    (rows,) = gather([], "shapes")
    assert rows.together.shape == (0, 0) and rows.images == []
