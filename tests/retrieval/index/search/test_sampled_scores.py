"""Facts about the scale of fused scores: it is that of a fixed sample, whatever a query may find."""

import numpy as np
import pytest
from support.drawings import draw_numbered
from support.indexes import index_thumbnails

from retrieval.baselines import ColourHistogram
from retrieval.index import Index
from retrieval.index.catalogue.sample import sampled
from retrieval.index.storage import sample
from retrieval.index.storage.sample import sample_of

BY = ("thumbnail", "colour")
N = 14


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("sampled")
    return index_thumbnails(place / "i", draw_numbered(place / "images", N), ColourHistogram())


@pytest.fixture
def small(monkeypatch):
    """Draw samples of six images."""
    monkeypatch.setattr(sample, "sampled", lambda catalogue: sampled(catalogue, 6))


def scores(index, **options):
    return {hit.id: hit.score for hit in index.query("3.png", k=99, **{"by": BY, **options})}


def by_hand(index, how):
    """Return the fused scores of all images by what each representation says alone."""
    total = dict.fromkeys(index.names, 0.0)
    drawn = index.ask(lambda snapshot: [snapshot.names[at] for at in sample_of(snapshot)])
    for name in BY:
        own = scores(index, by=[name])
        sample = np.sort([own[one] for one in drawn])
        rest = sample[:-1]
        zero, unit = (rest.mean(), rest.std()) if how == "z" else (sample[0], np.ptp(sample))
        total = {key: value + (own[key] - zero) / unit for key, value in total.items()}
    return total


@pytest.mark.parametrize("how", ["z", "sum"])
def test_the_scores_are_those_worked_out_from_the_sample(place, small, how):
    with Index.open(place) as index:
        assert len(index.ask(sample_of)) == 6
        assert scores(index, fusion=how) == pytest.approx(by_hand(index, how), abs=1e-5)


@pytest.mark.parametrize("how", ["z", "sum"])
@pytest.mark.parametrize("options", [{"among": ["1.png", "3.png", "7.png"]}, {"include_self": False}])
def test_conditions_change_no_score(place, small, how, options):
    with Index.open(place) as index:
        everyone, some = scores(index, fusion=how), scores(index, fusion=how, **options)
        assert 0 < len(some) < len(everyone)
        assert all(everyone[key] == value for key, value in some.items())


def test_a_small_index_is_its_own_sample(place):
    with Index.open(place) as index:
        assert index.ask(sample_of).tolist() == list(range(N))
        assert scores(index, fusion="z") == pytest.approx(by_hand(index, "z"), abs=1e-5)


def test_an_evaluation_measures_what_a_query_answers(place, small):
    from retrieval.evaluation.systems import by_representation, fused

    with Index.open(place) as index:
        wanted = scores(index, fusion="z", include_self=False)
        allowed = np.array([name != "3.png" for name in index.names])
        position = index.names.index("3.png")
        found = index.ask(
            lambda snapshot: fused([by_representation(snapshot, name) for name in BY], "z").rank(
                position, allowed
            )
        )
        assert {index.names[i]: s for i, s in zip(found.ids, found.scores.tolist(), strict=True)} == wanted
