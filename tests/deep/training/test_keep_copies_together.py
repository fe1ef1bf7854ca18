"""Facts about near-duplicates in a training: no copy of an image is learnt from if another is held out."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from deep.training.dataset import Examples
from deep.training.keep_copies_together import keep_copies_together
from deep.training.splits import split


def square(seed: int) -> np.ndarray:
    grey = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(64, 64)), (0, 0), 0.8)
    return np.repeat(np.clip(128 + 80 * grey, 0, 255).astype(np.uint8)[None], 3, axis=0)


def examples(**changes) -> Examples:
    """Return 24 images of 24 patients; the last four are the first four again, brighter."""
    squares = [square(i) for i in range(20)]
    squares += [np.clip(one * 0.8 + 30, 0, 255).astype(np.uint8) for one in squares[:4]]
    n = len(squares)
    made = Examples(
        np.stack(squares),
        tuple(f"{i}.png" for i in range(n)),
        tuple("ab"[i % 2] for i in range(n)),
        tuple(f"p{i}" for i in range(n)),
    )
    return replace(made, **changes)


def test_patients_who_share_an_image_are_one() -> None:
    found = keep_copies_together(examples())
    assert found.groups == (*(f"p{i}" for i in range(20)), "p0", "p1", "p2", "p3")
    assert found.notes == (
        "near-duplicates: 4 patients or groups share one with another, and stay on its side",
    )
    for seed in range(20):
        sides = split(found.labels, found.groups, found.splits, 0.3, seed)
        held = set(sides.validation.tolist())
        assert all((i in held) == (20 + i in held) for i in range(4))


def test_copies_of_what_the_table_holds_out_are_not_learnt_from() -> None:
    sides = ["train"] * 24
    sides[20] = sides[21] = sides[10] = sides[11] = sides[12] = sides[13] = "val"
    found = keep_copies_together(examples(splits=tuple(sides)))
    made = split(found.labels, found.groups, found.splits)
    assert set(range(24)) - set(made.training.tolist()) - set(made.validation.tolist()) == {0, 1}
    assert found.notes == ("not learnt from, as near-duplicates of images held out: 2 images",)


def test_without_copies_nothing_changes() -> None:
    whole = examples()
    alone = replace(
        whole,
        squares=whole.squares[:20],
        names=whole.names[:20],
        labels=whole.labels[:20],
        groups=whole.groups[:20],
    )
    assert keep_copies_together(alone) is alone


def test_enlarged_images_must_be_more_alike() -> None:
    """Noise of 10 pixels, enlarged, has few frequencies: some of its pairs correlate."""
    small = np.random.default_rng(0).integers(0, 255, (30, 10, 10), dtype=np.uint8)
    big = np.stack([np.repeat(cv2.resize(one, (64, 64))[None], 3, axis=0) for one in small])
    made = Examples(
        big,
        tuple(map(str, range(30))),
        ("a", "b") * 15,
        tuple(map(str, range(30))),
        shapes=((10, 10),) * 30,
    )
    assert keep_copies_together(made) is made
