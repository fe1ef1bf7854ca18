"""Inference: batches equal one by one, 16 bits equal 32 nearly, and weights say what counts."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from support.embedders import tiny  # noqa: E402

from deep.networks.inference import OwnNetwork, TorchRunner, use_threads  # noqa: E402
from deep.networks.preprocessing import resized  # noqa: E402

SQUARES = np.random.default_rng(0).integers(0, 256, (32, 3, 32, 32), dtype=np.uint8)


@pytest.fixture(scope="module", autouse=True)
def threads():
    before = torch.get_num_threads()
    use_threads()
    yield
    torch.set_num_threads(before)


def runner(precision="float32"):
    return TorchRunner(OwnNetwork(tiny()), precision)


def test_a_runner_gives_what_the_network_gives():
    with torch.inference_mode():
        expected = tiny()(torch.from_numpy(SQUARES).float() / 255).numpy()
    found = runner().embed(SQUARES)
    assert (found.shape, found.dtype) == ((32, 16), np.float32)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-6), ("bfloat16", 1e-6)])
def test_a_batch_equals_one_by_one(precision, tolerance):
    run = runner(precision)
    alone = np.concatenate([run.embed(square[None]) for square in SQUARES])
    np.testing.assert_allclose(run.embed(SQUARES), alone, atol=tolerance, rtol=0)


def test_16_bits_agree_with_32():
    cosines = (runner("float32").embed(SQUARES) * runner("bfloat16").embed(SQUARES)).sum(axis=1)
    assert cosines.min() > 0.999


def test_auto_is_one_of_the_two():
    assert runner("auto").precision in (torch.float32, torch.bfloat16)


def test_weights_of_one_everywhere_change_nothing():
    run = runner()
    ones = np.ones((32, 32, 32), np.float32)
    np.testing.assert_allclose(run.embed(SQUARES, ones), run.embed(SQUARES), atol=1e-6)


def test_weights_say_what_counts():
    run = runner()
    left = np.zeros((1, 128, 128), np.float32)
    left[..., :64] = 1
    wide = np.random.default_rng(1).integers(0, 256, (1, 3, 128, 128), dtype=np.uint8)
    changed = wide.copy()
    changed[..., 112:] = 0  # Far enough from what counts for no convolution to reach it.
    np.testing.assert_allclose(run.embed(wide, left), run.embed(changed, left), atol=1e-6)
    assert np.abs(run.embed(wide) - run.embed(changed)).max() > 1e-3


def test_another_side_is_another_view_of_the_same():
    run = runner()
    np.testing.assert_allclose(run.embed(resized(SQUARES[0], 32)[None]), run.embed(SQUARES[:1]), atol=1e-6)
    larger = run.embed(resized(SQUARES[0], 64)[None])
    assert larger.shape == (1, 16)
    assert np.linalg.norm(larger) == pytest.approx(1, abs=1e-5)


def test_threads_are_what_was_asked_for():
    use_threads(1)
    assert torch.get_num_threads() == 1
    use_threads()
    assert torch.get_num_threads() >= 1
