"""Facts about images that changed after a metric was learnt from them: labels at random stay random."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retrieval.baselines import Thumbnail
from retrieval.errors import SettingError
from retrieval.evaluation import EvaluationOptions
from retrieval.evaluation.task import prepare
from retrieval.index import Index
from retrieval.index.search.metric_folds import CHANGED, metric_folds
from retrieval.index.writer import IndexWriter, MetricOptions
from retrieval.metadata.label_table import LabelTable
from retrieval.metric_learning import MetricLearner
from retrieval.metric_learning.held_out import UNSEEN

N = 80
NAME = "thumbnail+nca"


def update(place: Path, changed: range, brighter: int, n: int = N) -> IndexWriter:
    """Write noise, some of it a bit brighter, with labels at random, and index it; return the index."""
    rng = np.random.default_rng(0)
    (place / "scans").mkdir(exist_ok=True)
    lines = ["path,label"]
    for i in range(n):
        values = rng.integers(0, 240, (8, 8), dtype=np.uint8) + np.uint8(brighter if i in changed else 0)
        path = place / "scans" / f"{i:02}.png"
        if i in changed or not path.exists():
            Image.fromarray(values).save(path)
        lines.append(f"{i:02}.png,{'ab'[rng.integers(2)]}")
    (place / "labels.csv").write_text("\n".join([*lines, ""]))
    new = not (place / "i").exists()
    writer = IndexWriter.create(place / "i") if new else IndexWriter.open(place / "i")
    if new:
        writer.add_representation(Thumbnail(8))
    writer.update([place / "scans"], jobs=1, labels=LabelTable.read(place / "labels.csv"))
    return writer


def learnt(place: Path, changed: range) -> Path:
    """Make an index with a metric, then let images change and some come; return its place."""
    with update(place, range(0), 0) as writer:
        writer.learn_metric(MetricOptions("thumbnail", MetricLearner("nca"), has_trial=False, blend=0.0))
    update(place, changed, 3, N + 4).close()
    return place / "i"


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an index of which every second image changed."""
    return learnt(tmp_path_factory.mktemp("half"), range(0, N, 2))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an index of which all images changed."""
    return learnt(tmp_path_factory.mktemp("whole"), range(N))


def test_changed_images_are_known_from_new_ones(half):
    with Index.open(half) as index:
        (folds,) = index.ask(lambda snapshot: metric_folds(snapshot, ["thumbnail", NAME]))
    assert (folds[0:N:2] == CHANGED).all()
    assert set(folds[1:N:2].tolist()) == set(range(5))
    assert folds[N:].tolist() == [UNSEEN] * 4


def test_images_that_were_renamed_may_be_those_that_are_gone(tmp_path):
    with update(tmp_path, range(0), 0) as index:
        index.learn_metric(MetricOptions("thumbnail", MetricLearner("nca"), has_trial=False))
        for name in list(index.names)[:20]:
            (tmp_path / "scans" / name).rename(tmp_path / "scans" / f"as {name}")
        index.update([tmp_path / "scans"], jobs=1)
        (folds,) = index.ask(lambda snapshot: metric_folds(snapshot, [NAME]))
        renamed = np.array([name.startswith("as") for name in index.names])
        assert (folds[renamed] == CHANGED).all() and (folds[~renamed] >= 0).all()
    # Many more are new than are gone, so that few of them can be the same.
    with update(tmp_path, range(0), 0, N + 100) as index:
        (folds,) = index.ask(lambda snapshot: metric_folds(snapshot, [NAME]))
        assert (folds != CHANGED).all()


def test_findings_of_noise_stay_rare(half):
    with Index.open(half) as index:
        found = [index.find_labels(name, by=(NAME,), k=10) for name in index.names[1:N:4]]
    assert sum(any(one.p < 0.01 for one in each.labels) for each in found) <= 2


def test_nobody_is_sure_of_noise(half):
    with Index.open(half) as index:
        kept, changed = (index.classify(name, by=(NAME,)) for name in ("01.png", "00.png"))
    assert kept.confidence is not None and kept.confidence < 0.7
    assert changed.confidence is None and changed.withheld == (NAME,)


def test_the_weights_of_fusions_are_learnt_without_what_was_taught(half):
    with Index.open(half) as index:
        task = index.ask(
            lambda s: replace(prepare(s, EvaluationOptions()), seen=metric_folds(s, ["thumbnail", NAME]))
        )
    changed, kept, new = set(range(0, N, 2)), set(range(1, N, 2)), set(range(N, N + 4))
    found = {asked: set(np.flatnonzero(task.allowed(asked)).tolist()) for asked in (0, 1, N)}
    assert found[0] == new
    assert new < found[1] < kept | new and not changed & found[1]
    assert found[N] == kept | new - {N}


def test_where_all_changed_the_metric_is_to_be_learnt_again(whole):
    with Index.open(whole) as index:
        with pytest.raises(SettingError, match=r"taught the metrics that .*, or learn these again"):
            index.find_labels("00.png", by=(NAME,), k=10)
        assert index.classify("00.png", by=(NAME,)).confidence is None
        assert index.find_labels("00.png", by=("thumbnail",), k=10).total > 0
