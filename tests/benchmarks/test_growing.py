"""Collections that grow: what is kept of a real set, and what does not depend on the size."""

from __future__ import annotations

import numpy as np

from benchmarks.shared.growing import FAMILY, Bags, Embeddings, cosines, like, margin, weighed

SHARES = np.minimum(0.9, 30 / np.arange(1, 801.0))


def generated(likeness: float, n: int = 160) -> np.ndarray:
    counts = next(Bags(SHARES, likeness).counts(n))
    return cosines(weighed(counts, np.log(1 / SHARES + 0.1).astype(np.float32)))


def test_words_are_in_as_many_images_as_wanted_and_a_family_has_points_in_common() -> None:
    counts = next(Bags(SHARES, 0.5).counts(4000)).toarray()
    assert counts.shape == (4000, len(SHARES))
    np.testing.assert_allclose((counts > 0).mean(axis=0)[:400], SHARES[:400], atol=0.08)
    scores = generated(0.5)
    np.fill_diagonal(scores, 0)
    relatives = np.arange(160)[:, None] // FAMILY == np.arange(160) // FAMILY
    assert scores[relatives].sum() / (160 * (FAMILY - 1)) > 1.5 * scores[~relatives].mean()


def test_likeness_is_found_by_the_margin() -> None:
    wanted = margin(generated(0.4))
    assert abs(like(lambda at: margin(generated(at)), wanted) - 0.4) < 0.05


def test_queries_are_of_families_of_the_collection() -> None:
    assert next(Bags(SHARES, 0.4).counts(83)).shape == (83, len(SHARES))
    assert Bags(SHARES, 0.4).queries(80, 5).shape == (5, len(SHARES))
    embeddings = Embeddings(np.linspace(1, 0.1, 32), 0.5)
    vectors, asked = embeddings.vectors(80), embeddings.queries(80, 6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    # A query is of a family of the collection, so its seven or eight nearest are much nearer than others.
    best = -np.sort(-(asked @ vectors.T), axis=1)
    assert (best[:, 0] - best[:, 20]).min() > 0.1
