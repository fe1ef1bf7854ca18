"""What holds for every descriptor."""

import numpy as np
import pytest

from bovw.descriptors import DESCRIPTORS, Descriptor
from bovw.keypoints import Keypoints
from retrieval.errors import PictureError

RNG = np.random.default_rng(7)


def picture(descriptor, shape=(60, 90)):
    return np.random.default_rng(3).random((*shape, 3) if descriptor.in_colour else shape, dtype=np.float32)


def keypoints(n, shape=(60, 90), outside=0.0):
    rng = np.random.default_rng(5)
    return Keypoints.of(
        rng.uniform(-outside, shape[0] + outside, n),
        rng.uniform(-outside, shape[1] + outside, n),
        np.exp(rng.uniform(-1, 3, n)),
        rng.uniform(0, 2 * np.pi, n),
    )


@pytest.fixture(params=sorted(DESCRIPTORS))
def descriptor(request):
    return DESCRIPTORS[request.param]()


def test_it_keeps_the_contract(descriptor):
    assert isinstance(descriptor, Descriptor)
    described = descriptor.describe(picture(descriptor), keypoints(30))
    assert described.shape == (30, descriptor.dimension)
    assert described.dtype == np.float32
    assert np.isfinite(described).all()
    assert (described != 0).any(axis=1).all()


def test_no_keypoints_give_no_rows(descriptor):
    described = descriptor.describe(picture(descriptor), Keypoints.empty())
    assert described.shape == (0, descriptor.dimension)
    assert described.dtype == np.float32


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 10000), (10000, 1), (3, 50), (17, 16)])
def test_any_picture_and_any_frame_give_finite_rows(descriptor, shape):
    points = keypoints(40, shape, outside=100.0)
    described = descriptor.describe(picture(descriptor, shape), points)
    assert described.shape == (40, descriptor.dimension)
    assert np.isfinite(described).all()


@pytest.mark.parametrize("scale", [1e-6, 0.1, 0.8, 99.7, 1e5])
def test_any_scale_gives_finite_rows(descriptor, scale):
    points = Keypoints.of([0, 30, 59, 1e6], [0, 45.3, 89, -1e6], scale, 1.0)
    assert np.isfinite(descriptor.describe(picture(descriptor), points)).all()


def test_rows_follow_the_order_of_the_keypoints(descriptor):
    points, order = keypoints(50), RNG.permutation(50)
    image = picture(descriptor)
    described = descriptor.describe(image, points)
    assert np.array_equal(descriptor.describe(image, points[order]), described[order])


def test_twice_gives_the_same(descriptor):
    image, points = picture(descriptor), keypoints(50)
    first = descriptor.describe(image, points)
    assert np.array_equal(first, descriptor.describe(image, points))


def test_order_in_memory_is_irrelevant(descriptor):
    image, points = picture(descriptor), keypoints(20)
    described = descriptor.describe(image, points)
    assert np.array_equal(described, descriptor.describe(np.asfortranarray(image), points))
    wide = np.repeat(image, 2, axis=1)
    assert np.array_equal(described, descriptor.describe(wide[:, ::2], points))


def test_the_callers_arrays_are_unchanged(descriptor):
    image, points = picture(descriptor), keypoints(20)
    image.flags.writeable = False
    before = image.copy(), points.rows.copy(), points.scales.copy()
    descriptor.describe(image, points)
    after = image, points.rows, points.scales
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_picture_of_the_wrong_kind_is_refused(descriptor):
    wrong = np.zeros((9, 9, 4 if descriptor.in_colour else 3), np.float32)
    with pytest.raises(PictureError, match=r"\(9, 9"):
        descriptor.describe(wrong, keypoints(1))


def test_a_keypoint_that_is_not_finite_is_refused(descriptor):
    with pytest.raises(ValueError, match="finite"):
        descriptor.describe(picture(descriptor), Keypoints.of(np.nan, 3, 2))
