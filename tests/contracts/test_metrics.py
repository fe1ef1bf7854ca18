"""The contract of every representation, said of a learnt metric over a dense and over a sparse one."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import bovw
from retrieval.baselines import Thumbnail
from retrieval.metric_learning import LearnedMetric, MetricLearner

_spec = importlib.util.spec_from_file_location(
    "representation_contract_of_metrics", Path(__file__).with_name("test_representations.py")
)
contract = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(contract)

CHOSEN = (
    "test_what_was_learnt_comes_back_from_disk",
    "test_arrays_of_something_else_are_not_taken_back",
    "test_an_encoding_is_what_its_contract_says",
    "test_the_picture_is_unchanged",
    "test_the_order_of_pictures_is_irrelevant",
    "test_the_whole_image_region_equals_no_region",
    "test_the_whole_image_region_equals_no_region_however_a_picture_is_shrunk",
    "test_a_region_without_a_pixel_is_empty",
    "test_a_region_is_described_by_what_lies_within",
    "test_an_odd_picture_is_described_or_empty_and_never_nan",
    "test_constant_pictures_have_no_evidence",
    "test_the_query_itself_comes_first",
    "test_what_is_empty_scores_zero_and_sparse_vectors_put_it_last",
    "test_its_ranker_ranks_the_same_from_disk",
)
"""All but what concerns learning from pictures, which a metric does not."""

globals().update({test: getattr(contract, test) for test in CHOSEN})
encodings, ranker = contract.encodings, contract.ranker
BASES = {"thumbnail": lambda: Thumbnail(), "superpixel": lambda: bovw.superpixel(**contract.SMALL)}


@pytest.fixture(params=BASES, scope="module")
def name(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(name):
    base = BASES[name]().fit(contract.PICTURES)
    vectors = [base.encode(picture).vector for picture in contract.PICTURES]
    projection = MetricLearner("wccn", components=4).learn(vectors, ["a", "b"] * 5)
    return LearnedMetric(base, f"{name}+wccn", method="wccn", components=4).with_projection(projection)


@pytest.fixture(autouse=True)
def made_again(monkeypatch, fitted):
    """Let the contract make an empty metric over the same base, as the store does."""
    monkeypatch.setattr(
        contract, "make", lambda name: LearnedMetric(fitted.base, fitted.name, **fitted.settings)
    )


def test_the_contract_is_said_of_both(fitted, encodings):
    assert isinstance(fitted, contract.Representation)
    assert {len(e.vector) for e in encodings} == {4}
    assert fitted.sample(contract.PICTURES[0]) == {}
    assert fitted.fit(contract.PICTURES) is fitted
    assert np.abs(np.linalg.norm([e.vector for e in encodings], axis=1) - 1).max() < 1e-6


def test_what_learnt_nothing_says_so(fitted):
    empty = LearnedMetric(fitted.base, "a+b")
    assert not empty.is_fitted
    for action in (
        lambda: empty.fit(contract.PICTURES),
        lambda: empty.encode(contract.PICTURES[0]),
        empty.learnt,
        empty.make_ranker,
    ):
        with pytest.raises(contract.FitError, match=r"a\+b has learnt nothing"):
            action()
