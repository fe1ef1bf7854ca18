import numpy as np
import pytest
from scipy import ndimage
from support.images import filtered_noise, gaussian_blob

from bovw.detectors.difference_of_gaussians import extrema, local_extrema
from bovw.detectors.octaves import octaves


@pytest.mark.parametrize("shape", [(64, 80), (61, 75)])
def test_each_layer_has_the_blur_it_claims(shape):
    # A Gaussian blob of σ₀ in a picture that is taken to have a blur of 0.5 gains σ² − 0.5² on top.
    image = gaussian_blob(shape, 30, 40, 4)
    for octave in octaves(image, 1.6)[:2]:
        rows, cols = (np.arange(n) * octave.step + octave.origin for n in octave.gaussians.shape[1:])
        for i, layer in enumerate(octave.gaussians):
            sigma = 1.6 * 2 ** (i / 3) * octave.step
            total = 4**2 + sigma**2 - 0.5**2
            apart = (rows[:, None] - 30) ** 2 + (cols - 40) ** 2
            expected = 4**2 / total * np.exp(-apart / (2 * total))
            assert np.abs(layer - expected)[8:-8, 8:-8].max() < 0.02


def test_octaves_halve_until_nothing_fits():
    found = octaves(filtered_noise((100, 300), 1), 1.6)
    assert [o.step for o in found] == [0.5, 1, 2, 4, 8]
    assert [o.gaussians.shape for o in found[:2]] == [(6, 200, 600), (6, 100, 300)]
    assert octaves(filtered_noise((5, 300), 1), 1.6) == []


def test_candidates_are_those_that_26_neighbours_do_not_surpass():
    stack = np.stack([filtered_noise((41, 53), 1.5, seed) for seed in range(5)])
    is_high = (stack == ndimage.maximum_filter(stack, 3)) & (stack > 0.05)
    is_low = (stack == ndimage.minimum_filter(stack, 3)) & (stack < -0.05)
    expected = (is_high | is_low)[1:-1, 5:-5, 5:-5]
    found = local_extrema(stack, np.float32(0.05))
    assert len(found) > 10
    assert np.array_equal(found, np.argwhere(expected) + np.array([1, 5, 5]))


@pytest.mark.parametrize("place", [(40, 52), (40.3, 51.6)])
def test_a_blob_is_found_between_the_pixels(place):
    image = gaussian_blob((90, 100), *place, 3)
    best = None
    for octave in octaves(image, 1.6):
        for row, col, layer, value, ratio in extrema(octave, 0.001):
            if best is None or value > best[0]:
                sigma = 1.6 * 2 ** (layer / 3) * octave.step
                best = (
                    value,
                    row * octave.step + octave.origin,
                    col * octave.step + octave.origin,
                    sigma,
                    ratio,
                )
    assert best is not None
    assert best[1:3] == pytest.approx(place, abs=0.1)
    assert best[3] == pytest.approx(3, rel=0.2)
    assert best[4] == pytest.approx(1, abs=0.1)


def test_a_long_blob_has_the_curvatures_of_an_edge():
    r, c = np.indices((120, 120))
    ridge = np.exp(-((r - 60) ** 2) / (2 * 3**2) - (c - 60) ** 2 / (2 * 25**2)).astype(np.float32)
    tables = [extrema(octave, 0.001) for octave in octaves(ridge, 1.6)]
    strongest = max(np.concatenate(tables), key=lambda row: row[3])
    assert strongest[4] > 10


def test_a_constant_picture_has_no_extrema():
    assert all(
        len(extrema(octave, 0.001)) == 0 for octave in octaves(np.full((60, 70), 0.4, np.float32), 1.6)
    )
