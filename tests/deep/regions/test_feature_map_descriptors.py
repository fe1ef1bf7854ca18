"""The places of a feature map as local features, and what aggregates them."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")

import bovw
from deep.networks.embedder import Architecture, Embedder
from deep.networks.weights import save
from deep.regions.feature_map_descriptors import covered_shares, feature_map_descriptors
from retrieval.errors import IndexFolderError, SettingError
from retrieval.evidence.local_features import (
    LocalFeatures,
    LocalSettings,
    NetworkFeatures,
    make_local_features,
)
from retrieval.picture import Picture
from retrieval.region import Region
from retrieval.representation import BatchEncoder, Encoding, Loadable, Representation, SparseVector

PICTURES = [
    Picture(np.random.default_rng(i).random((50 + i, 70), dtype=np.float32), id=str(i)) for i in range(6)
]


def dense(encoding: Encoding) -> np.ndarray:
    vector = encoding.vector
    return vector.dense() if isinstance(vector, SparseVector) else vector


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A weight file of a tiny network of two maps, 8 × 8 with 4 channels and 4 × 4 with 6."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    shape = Architecture(widths=(4, 6), depths=(1, 1), levels=(0, 1), dimension=5, side=32)
    save(path, Embedder(shape).eval())
    return str(path)


def test_places_are_even_over_the_picture(weights):
    seen = make_local_features("deep", LocalSettings(weights=weights)).load()
    assert isinstance(seen, LocalFeatures) and isinstance(seen, NetworkFeatures)
    found = seen.extract(Picture(np.zeros((80, 160), np.float32)))
    assert found.descriptors.shape == (64, 4)
    np.testing.assert_allclose(found.rows[:9], [4.5] * 8 + [14.5])
    np.testing.assert_allclose(found.cols[:3], [9.5, 29.5, 49.5])
    lengths = np.linalg.norm(found.descriptors, axis=1)
    assert ((lengths == 0) | np.isclose(lengths, 1, atol=1e-5)).all()


def test_a_level_is_chosen_and_one_too_high_refused(weights):
    assert feature_map_descriptors(LocalSettings(weights=weights, level=1)).load().dimension == 6
    with pytest.raises(SettingError, match="level: 2; the network has maps from 0 to 1"):
        feature_map_descriptors(LocalSettings(weights=weights, level=2))
    with pytest.raises(SettingError, match="missing"):
        feature_map_descriptors(LocalSettings(weights="missing.safetensors"))


def test_places_of_a_region_are_in_it(weights):
    seen = feature_map_descriptors(LocalSettings(weights=weights)).load()
    found = seen.extract(PICTURES[0], Region.box(10, 20, 16, 24))
    assert len(found) == 64
    assert (found.rows.min(), found.rows.max()) == (10.5, 24.5)
    assert (found.cols.min(), found.cols.max()) == (21, 42)
    triangle = Region((np.array([(0, 0), (0, 40), (40, 0)], dtype=np.float64),))
    assert 0 < len(seen.extract(PICTURES[0], triangle)) < 64
    assert len(seen.extract(PICTURES[0], Region.box(500, 500, 5, 5))) == 0


def test_shares_are_means_over_places():
    weights = np.zeros((4, 4), np.float32)
    weights[0] = 1
    np.testing.assert_array_equal(covered_shares(weights, 2), [[0.5, 0.5], [0, 0]])


@pytest.mark.parametrize("kind", [bovw.vlad, bovw.asmk])
def test_words_are_learnt_of_descriptors_and_come_back_without_the_file(kind, weights):
    made = kind(features="deep", weights=weights, words=8).fit(PICTURES)
    assert isinstance(made, Representation) and isinstance(made, BatchEncoder) and isinstance(made, Loadable)
    assert made.settings["weights"].startswith("sha256:")
    again = kind(**json.loads(json.dumps(made.settings))).restore(made.learnt())
    encodings = [made.encode(picture) for picture in PICTURES]
    batch = again.encode_prepared([again.prepare(picture) for picture in PICTURES])
    for one, other in zip(encodings, batch, strict=True):
        # Rounding differs between batches, and may turn a bit of a code whose residual is all but zero.
        assert dense(one) @ dense(other) > 0.7
    ranker = made.make_ranker()
    ranker.add(np.arange(len(PICTURES)), [encoding.vector for encoding in encodings])
    for id, picture in enumerate(PICTURES):
        encoding = again.encode_query(picture, Region.whole(picture.shape))
        assert encoding.evidence is None
        ranking = ranker.rank(encoding.vector, 1)
        assert ranking.ids.tolist() == [id]
        assert ranking.scores[0] == pytest.approx(1, abs=1e-5)
    damaged = {**made.learnt(), "features_weights": np.zeros(9, np.uint8)}
    with pytest.raises(IndexFolderError, match="index again"):
        kind(**made.settings).restore(damaged)
