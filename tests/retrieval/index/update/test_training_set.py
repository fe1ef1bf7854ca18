"""Facts about what a metric is learnt from: near-duplicates are in one fold, and so are their patients."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from cli.commands.learn_metric import notes
from retrieval.baselines import Thumbnail
from retrieval.index import Index
from retrieval.index.writer import IndexWriter, MetricOptions
from retrieval.metadata.label_table import LabelTable
from retrieval.metric_learning import LearnedMetric, MetricLearner


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty patients with two images each; six of them have an image of another patient, too."""
    place = tmp_path_factory.mktemp("training")
    (place / "scans").mkdir()
    images, lines = {}, ["path,label,patient"]
    for i in range(40):
        grey = cv2.GaussianBlur(np.random.default_rng(i).normal(size=(64, 64)), (0, 0), 0.8)
        images[f"{i:02}.png"] = np.clip(128 + 80 * grey, 0, 255).astype(np.uint8)
        lines.append(f"{i:02}.png,{'ab'[i % 4 // 2]},p{i // 2:02}")
    for i in range(6):
        images[f"copy{i}.png"] = np.clip(images[f"{2 * i:02}.png"] * 0.8 + 30, 0, 255).astype(np.uint8)
        lines.append(f"copy{i}.png,{'ab'[2 * i % 4 // 2]},p{19 - i:02}")
    for name, image in images.items():
        assert cv2.imwrite(str(place / "scans" / name), image)
    (place / "labels.csv").write_text("\n".join([*lines, ""]))
    return place


def test_patients_who_share_an_image_are_in_one_fold(place: Path) -> None:
    with IndexWriter.create(place / "i") as writer:
        writer.add_representation(Thumbnail(8))
        writer.update([place / "scans"], jobs=1, labels=LabelTable.read(place / "labels.csv"))
        report = writer.learn_metric(MetricOptions("thumbnail", MetricLearner("wccn")))
    assert report.n_joined == 6 and report.group == "patient"
    assert "near-duplicates: 6 patients share one with another, kept on one side" in notes(report, False)
    with Index.open(place / "i") as index:
        metric = index.representation("thumbnail+wccn")
        assert isinstance(metric, LearnedMetric) and metric.held_out_ is not None
        held_out = metric.held_out_
        ids = index.ask(lambda snapshot: dict(zip(snapshot.names, snapshot.ids.tolist(), strict=True)))
        fold = {name: held_out.fold_of(id) for name, id in ids.items()}
    assert len(set(fold.values())) == 5
    for i in range(6):
        # The copy, its original, the other image of that patient, and those of the patient of the copy.
        one, other = i, 19 - i
        members = [f"copy{i}.png", *(f"{2 * p + k:02}.png" for p in (one, other) for k in (0, 1))]
        assert len({fold[name] for name in members}) == 1
