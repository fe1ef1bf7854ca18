"""Facts about queries by a fusion that was learnt from them: its weights are learnt without them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.indexes import change

from cli.main import main
from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.errors import SettingError
from retrieval.evaluation import EvaluationOptions, FusionOptions, evaluate, learn_fusion
from retrieval.index import Index
from retrieval.index.search.held_out import fusion_folds
from retrieval.index.writer import IndexWriter, MetricOptions
from retrieval.metadata.label_table import LabelRow, LabelTable
from retrieval.metric_learning import MetricLearner

N = 60
BY = ("colour", "thumbnail")


def make_index(place: Path, is_noise: bool) -> Path:
    """Index noise; its labels are at random, or the darker half of it is ``a``."""
    rng = np.random.default_rng(0)
    (place / "scans").mkdir()
    lines = ["path,label"]
    for i in range(N):
        label = "ab"[rng.integers(2)]
        top = 255 if is_noise or label == "b" else 128
        Image.fromarray(rng.integers(0, top, (8, 8), dtype=np.uint8)).save(place / "scans" / f"{i:02}.png")
        lines.append(f"{i:02}.png,{label}")
    (place / "labels.csv").write_text("\n".join([*lines, ""]))
    with IndexWriter.create(place / "i") as writer:
        writer.add_representation(Thumbnail(8))
        writer.add_representation(ColourHistogram(2))
        writer.update([place / "scans"], jobs=1, labels=LabelTable.read(place / "labels.csv"))
    learn_fusion(place / "i", FusionOptions(BY))
    return place / "i"


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    return make_index(tmp_path_factory.mktemp("noise"), True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return make_index(tmp_path_factory.mktemp("plain"), False)


def test_each_image_has_weights_of_its_own_fold(plain):
    with Index.open(plain) as index:
        folds = index.ask(lambda snapshot: fusion_folds(snapshot)[BY])
        ids = index.ask(lambda snapshot: snapshot.ids.tolist())
        assert set(folds.folds) == set(ids) and set(folds.folds.values()) == set(range(5))
        weights = folds.without(ids[0], ("thumbnail", "colour"))
        assert weights == folds.weights[folds.folds[ids[0]]][::-1]
        assert folds.without(max(ids) + 1, BY) is None
        assert all(sum(one) == pytest.approx(1) for one in folds.weights)


def test_what_it_has_seen_is_answered(plain):
    with Index.open(plain) as index:
        found = [index.classify(name, by=BY, fusion="learnt") for name in index.names]
        truth = [index.picture(name).labels[0] for name in index.names]
    assert all(one.confidence is not None and not one.withheld for one in found)
    right = np.mean([one.best == label for one, label in zip(found, truth, strict=True)])
    assert abs(right - np.mean([one.confidence for one in found])) < 0.1


def test_it_is_not_sure_of_noise_and_finds_nothing_in_it(noise):
    with Index.open(noise) as index:
        truth = [index.picture(name).labels[0] for name in index.names]
        called = [index.classify(name, by=BY, fusion="learnt", unsure=0) for name in index.names]
        found = [index.find_labels(name, by=BY, fusion="learnt", k=10) for name in index.names]
    right = np.mean([one.best == label for one, label in zip(called, truth, strict=True)])
    assert right < 0.7 and abs(right - np.mean([one.confidence for one in called])) < 0.15
    assert sum(bool(one.significant) for one in found) <= 0.1 * N


def test_a_metric_in_it_is_weighed_by_what_it_learnt_without_the_query(noise):
    with IndexWriter.open(noise) as writer:
        writer.learn_metric(MetricOptions("thumbnail", MetricLearner("nca")))
    by = ("colour", "thumbnail+nca")
    learnt = learn_fusion(noise, FusionOptions(by))
    assert learnt.trial["thumbnail+nca"] < 0.7  # by its own ranking of what it learnt from it would be at 0.9
    with Index.open(noise) as index:
        assert index.classify("03.png", by=by, fusion="learnt").confidence is not None


def test_a_fusion_of_an_earlier_version_withholds_confidence_and_p(plain, capsys):
    change(plain, "DELETE FROM meta WHERE key = 'fusion_folds'")
    asked = [str(plain), "03.png", "--by", "colour", "--by", "thumbnail", "--fusion", "learnt", "--json"]
    assert main(["classify", *asked]) == 0
    said = capsys.readouterr()
    (answer,) = json.loads(said.out)
    assert answer["confidence"] is None and answer["withheld"] == ["fusion of colour, thumbnail"]
    assert answer["doubt"] == "fusion knows the labels" and "`semblance learn-fusion`" in said.err
    assert main(["query", *asked, "--findings"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["findings"]["verdict"] == "withheld"
    learn_fusion(plain, FusionOptions(BY))
    assert main(["classify", *asked]) == 0
    assert json.loads(capsys.readouterr().out)[0]["withheld"] == []


def test_a_metric_that_learnt_noise_gets_no_weight_for_what_it_was_taught(noise, tmp_path):
    place, by = shutil.copytree(noise, tmp_path / "i"), ("thumbnail", "thumbnail+lda")
    with IndexWriter.open(place) as index:
        index.learn_metric(MetricOptions("thumbnail", MetricLearner("lda"), has_trial=False))
    learnt = learn_fusion(place, FusionOptions(by))
    # Half of all images are right, whatever ranks them.
    assert max(learnt.trial.values()) - learnt.trial["thumbnail"] < 0.05


def test_a_seed_below_0_is_refused():
    with pytest.raises(SettingError, match="seed: -1 is below 0; give 0 or more"):
        FusionOptions(BY, seed=-1)


@pytest.mark.parametrize("queries", [None, "split"])
def test_an_evaluation_gives_a_metric_that_learnt_noise_no_weight_for_what_it_was_taught(noise, queries):
    given = []
    with Index.open(noise) as index:
        for draw in range(6):
            labels = np.random.default_rng(draw).permutation(N) % 2
            rows = {
                name: LabelRow(("ab"[label],), {"split": "test" if i % 4 == 0 else "train"}, i)
                for i, (name, label) in enumerate(zip(index.names, labels.tolist(), strict=True))
            }
            found = evaluate(
                index,
                EvaluationOptions(
                    by=("thumbnail,thumbnail+lda",),
                    labels=LabelTable(rows),
                    queries=queries,
                    fusion=("learnt",),
                    baselines=False,
                    has_leaks=False,
                ),
            )
            given.append(found.weights["thumbnail & thumbnail+lda, learnt"]["thumbnail+lda"])
    # Nothing finds more than chance: it had nearly all of the weight.
    assert np.mean(given) < 0.7
