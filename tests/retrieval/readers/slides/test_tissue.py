"""Tissue: what of an overview is tissue, which tiles are on it, and whether they are in focus."""

from __future__ import annotations

import cv2
import numpy as np
from support.slides import GLASS, PINK, tissue_image

from retrieval.readers.slides.tissue import shares, sharpness, tissue_mask
from retrieval.readers.tiling import Tissue

DEFAULT = Tissue()


def _ellipse(rows: int, cols: int) -> np.ndarray:
    mask = np.zeros((rows, cols), np.uint8)
    cv2.ellipse(mask, (cols // 2, rows // 2), (cols * 2 // 5, rows * 2 // 5), 0, 0, 360, 1, -1)
    return mask.astype(bool)


def test_tissue_is_what_has_colour() -> None:
    found, true = tissue_mask(tissue_image(600, 800), DEFAULT), _ellipse(600, 800)
    assert (found & true).sum() / (found | true).sum() > 0.98


def test_blank_glass_holds_no_tissue() -> None:
    noise = np.random.default_rng(0).normal(0, 2, (300, 400, 3))
    assert not tissue_mask(np.clip(np.array(GLASS) + noise, 0, 255).astype(np.uint8), DEFAULT).any()


def test_holes_pen_marks_and_folds_are_left_out() -> None:
    image, true = tissue_image(600, 800), _ellipse(600, 800)
    cv2.circle(image, (400, 300), 60, GLASS, -1)
    cv2.line(image, (120, 60), (300, 60), (30, 140, 60), 16)  # green ink
    cv2.line(image, (250, 200), (250, 420), (20, 40, 200), 20)  # blue ink
    cv2.line(image, (560, 200), (560, 400), (90, 20, 70), 24)  # tissue that lies twice
    cv2.line(image, (480, 560), (700, 560), (20, 20, 22), 14)  # black ink
    found = tissue_mask(image, DEFAULT)
    for name, (row, col) in {
        "hole": (300, 400), "green": (60, 200), "blue": (300, 250), "fold": (300, 560), "black": (560, 600),
    }.items():  # fmt: skip
        assert not found[row - 4 : row + 5, col - 4 : col + 5].any(), name
    assert found[true].mean() > 0.85
    assert found[300, 330]


def test_a_slide_stained_blue_is_tissue_and_no_pen_mark() -> None:
    image, true = np.full((300, 400, 3), GLASS, np.uint8), _ellipse(300, 400)
    image[true] = (64, 92, 151)
    assert tissue_mask(image, DEFAULT)[true].mean() > 0.95


def test_the_saturation_may_be_given() -> None:
    image = np.full((200, 200, 3), 240, np.uint8)
    image[50:150, 50:150] = (240, 220, 230)  # a saturation of 21
    assert tissue_mask(image, Tissue(0.5, 15)).sum() > 9000
    assert not tissue_mask(image, Tissue(0.5, 40)).any()


def test_all_is_tissue_if_no_share_is_asked_for() -> None:
    assert tissue_mask(np.full((20, 30, 3), 255, np.uint8), Tissue(0.0)).all()


def test_the_share_of_a_tile_is_the_mean_of_the_mask_in_it() -> None:
    mask = np.zeros((4, 8), bool)
    mask[:2, :2] = mask[2, 4:] = True
    starts = np.array([0.0, 0.5])
    found = shares(mask, (starts, starts + 0.5, np.array([0.0, 0.25, 0.5]), np.array([0.25, 0.5, 1.0])))
    assert found.tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 0.5]]


def test_a_tile_out_of_focus_is_less_sharp() -> None:
    sharp = tissue_image(256, 256, 2, 3).astype(np.float32) / 255
    blurred = cv2.GaussianBlur(sharp, (0, 0), 4)
    assert sharpness(sharp) > 5 * DEFAULT.sharpness
    assert sharpness(blurred) < DEFAULT.sharpness
    assert sharpness(np.full((64, 64, 3), PINK[0] / 255, np.float32)) == 1.0
