"""Stain: two laboratories' colours of one tissue are made alike."""

from __future__ import annotations

import numpy as np
import pytest
from support.slides import tissue_image

from retrieval.readers.slides.stain import normalise

TISSUE = tissue_image(300, 300, 1, 3)[60:240, 60:240]


def restained(values: np.ndarray) -> np.ndarray:
    """Return tissue as another laboratory stains it: stronger, and each colour by its own factor."""
    density = -np.log((values.astype(float) + 1) / 256) * (1.15, 1.35, 0.8)
    return np.clip(256 * np.exp(-density) - 1, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("method", "share"), [("reinhard", 0.25), ("macenko", 0.6)])
def test_two_stains_of_one_tissue_are_made_alike(method, share) -> None:
    other = restained(TISSUE)
    before = np.abs(TISSUE.mean(axis=(0, 1)) - other.mean(axis=(0, 1))).max()
    first, second = normalise(TISSUE, method), normalise(other, method)
    assert first.dtype == np.uint8 and first.shape == TISSUE.shape
    assert np.abs(first.mean(axis=(0, 1)) - second.mean(axis=(0, 1))).max() < share * before


def test_none_changes_nothing() -> None:
    assert normalise(TISSUE, "none") is TISSUE


@pytest.mark.parametrize("method", ["reinhard", "macenko"])
def test_glass_has_no_stain(method) -> None:
    glass = np.full((50, 50, 3), 245, np.uint8)
    assert np.array_equal(normalise(glass, method), glass)


@pytest.mark.parametrize("method", ["reinhard", "macenko"])
def test_a_tile_of_one_colour_is_no_error(method) -> None:
    flat = np.full((50, 50, 3), (180, 90, 150), np.uint8)
    assert normalise(flat, method).shape == flat.shape
