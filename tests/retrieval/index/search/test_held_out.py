"""Facts about queries by a metric that was learnt from them: labels at random are found at random."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.main import main
from retrieval.baselines import Thumbnail
from retrieval.errors import SettingError
from retrieval.index import Index
from retrieval.index.writer import IndexWriter, MetricOptions
from retrieval.metadata.label_table import LabelTable
from retrieval.metric_learning import LearnedMetric, MetricLearner
from retrieval.picture import Picture

N = 80
NAME = "thumbnail+nca"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an index of noise with labels at random, and a metric that was learnt from them all."""
    place = tmp_path_factory.mktemp("held_out")
    rng = np.random.default_rng(0)
    (place / "scans").mkdir()
    lines = ["path,label"]
    for i in range(N):
        Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8)).save(place / "scans" / f"{i:02}.png")
        lines.append(f"{i:02}.png,{'ab'[rng.integers(2)]}")
    (place / "labels.csv").write_text("\n".join([*lines, ""]))
    with IndexWriter.create(place / "i") as writer:
        writer.add_representation(Thumbnail(8))
        writer.update([place / "scans"], jobs=1, labels=LabelTable.read(place / "labels.csv"))
        writer.learn_metric(MetricOptions("thumbnail", MetricLearner("nca")))
    return place / "i"


def test_a_metric_that_learnt_noise_is_not_sure_of_what_it_learnt_from(index):
    with Index.open(index) as opened:
        truth = {entry.name: entry.labels[0] for entry in opened.pictures()}
        plain = [opened.query(name, by=(NAME,), k=1, include_self=False)[0] for name in opened.names]
        seen = np.mean([truth[hit.id] == truth[name] for name, hit in zip(opened.names, plain, strict=True)])
        found = [opened.classify(name, by=(NAME,), unsure=0) for name in opened.names]
    right = np.mean([one.best == truth[name] for name, one in zip(truth, found, strict=True)])
    confidence = np.mean([one.confidence for one in found])
    assert seen > 0.75  # what its own ranking says
    assert right < 0.65 and abs(confidence - right) < 0.15


def test_findings_of_noise_are_rare(index):
    with Index.open(index) as opened:
        found = [opened.find_labels(name, by=(NAME,), k=10) for name in opened.names]
    assert sum(bool(one.significant) for one in found) <= 0.1 * N


def test_findings_of_new_noise_are_rare(index):
    rng = np.random.default_rng(7)
    with Index.open(index) as opened:
        new = [Picture(rng.random((8, 8), dtype=np.float32), f"new {i}") for i in range(N)]
        found = [opened.find_labels(picture, by=(NAME,), k=10) for picture in new]
    assert sum(bool(one.significant) for one in found) <= 0.1 * N


def test_findings_of_what_a_metric_saw_are_among_what_it_did_not_see(index):
    with Index.open(index) as opened:
        found = opened.find_labels("03.png", by=(NAME,), k=5)
        assert (found.drawn, found.total) == (5, N // 5 - 1)


def test_a_new_image_asks_by_the_whole_metric(index):
    with Index.open(index) as opened:
        picture = opened.read("03.png")
        new = opened.classify(picture, by=(NAME,))
        assert new.neighbours[0].score == pytest.approx(1, abs=1e-5)  # it finds its copy


def test_a_metric_of_an_earlier_version_withholds_confidence_and_p(index, monkeypatch, capsys):
    restore = LearnedMetric.restore

    def without_folds(self, arrays):
        made = restore(self, arrays)
        made.held_out_ = None
        return made

    monkeypatch.setattr(LearnedMetric, "restore", without_folds)
    assert main(["classify", str(index), "03.png", "--by", NAME, "--json"]) == 0
    said = capsys.readouterr()
    (answer,) = json.loads(said.out)
    assert answer["confidence"] is None and answer["label"] is None
    assert answer["withheld"] == [NAME] and answer["doubt"] == "metric knows the labels"
    assert "learn it again" in said.err
    assert main(["query", str(index), "03.png", "--by", NAME, "--findings", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)[0]["findings"]
    assert found["withheld"] == [NAME] and found["verdict"] == "withheld"
    assert all(one["p"] is None and not one["significant"] for one in found["labels"])
    assert main(["query", str(index), "03.png", "--by", NAME, "--findings"]) == 0
    assert "learn it again" in capsys.readouterr().out


def test_findings_say_that_a_metric_leaves_none_of_a_few_images(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(8):
        Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    lines = ["path,label,patient", *(f"{i}.png,{'ab'[i % 2]},p{i // 2}" for i in range(8)), ""]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    with IndexWriter.create(tmp_path / "i") as writer:
        writer.add_representation(Thumbnail(8))
        writer.update([tmp_path], jobs=1, labels=LabelTable.read(tmp_path / "labels.csv"))
        writer.learn_metric(MetricOptions("thumbnail", MetricLearner("nca")))
        assert writer.find_labels("1.png", by=("thumbnail",)).total == 3
        with pytest.raises(SettingError, match="taught the metrics that are asked"):
            writer.find_labels("1.png", by=(NAME,))
