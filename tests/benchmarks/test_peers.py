"""The comparison with other people's tools measures what it says."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("sklearn")
pytest.importorskip("skimage")

from benchmarks.peers import search, systems


def test_made_vectors_stand_beside_the_real_ones_at_unit_length() -> None:
    rng = np.random.default_rng(0)
    rows = search.unit(rng.standard_normal((40, 6)).astype(np.float32))
    more = search.enlarged(rows, 100, rng)
    assert more.shape == (100, 6)
    np.testing.assert_allclose(more[:40], rows, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(more, axis=1), 1, atol=1e-6)
    assert len(np.unique(more, axis=0)) == 100


def test_a_peer_that_is_missing_is_one_line_with_the_remedy() -> None:
    with pytest.raises(systems.MissingError, match=r"pip install 'semblance\[peers\]'"):
        systems.require("no_such_package")


def test_near_hashes_come_first_and_far_ones_last() -> None:
    pytest.importorskip("imagehash")
    ramp = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))
    scores = systems.Hash("phash")([ramp, ramp[:, ::-1].copy(), np.minimum(ramp + 1, 255)])
    assert np.argmax(scores[0][1:]) == 1
    assert scores[0, 0] >= 0


def test_the_plain_pipeline_ranks_a_picture_before_others() -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (96, 96)).astype(np.uint8) for _ in range(3)]
    for detector in ("sift", "superpixel", "dense"):
        scores = systems.Plain(detector)(pictures)
        assert scores.argmax(axis=1).tolist() == [0, 1, 2]
