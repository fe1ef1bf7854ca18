"""The plain pipelines: each benchmark that measures them prints the same figure for the same set."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("skimage")

from benchmarks.comparison import plain
from benchmarks.quality.ablation import plain_measures
from benchmarks.shared import plain_pipeline
from benchmarks.shared.labelled_sets import Set, write_label_table
from retrieval.evaluation import EvaluationOptions
from retrieval.evaluation.task import prepare
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.registry import make


def write_set(data: Path) -> Set:
    """Write 12 images of two classes and six patients, whose names are not in the order of the manifest."""
    (data / "own").mkdir()
    lines = ["set,file,cls,patient,group"]
    for i in reversed(range(12)):
        rng = np.random.default_rng(i)
        rows, cols = np.indices((96, 96))
        wave = np.sin((rows, cols)[i % 2] * 0.5 + rng.uniform(0, 6))
        # Faint, so that no pipeline has all right.
        noise = cv2.GaussianBlur(rng.normal(size=(96, 96)), (0, 0), 1)
        image = np.clip(128 + 5 * wave + 70 * noise, 0, 255).astype(np.uint8)
        assert cv2.imwrite(str(data / "own" / f"{i:02}.png"), image)
        lines.append(f"own,own/{i:02}.png,{'ab'[i % 2]},p{i // 2},")
    (data / "manifest.csv").write_text("\n".join([*lines, ""]))
    return Set.load("own", data)


def test_the_comparison_and_the_ablation_give_the_same_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_pipeline, "WORDS", 30)
    monkeypatch.setattr(plain_pipeline, "POINTS", 50)
    data = write_set(tmp_path)
    write_label_table(data, tmp_path / "own", tmp_path / "labels.csv")
    labels = LabelTable.read(tmp_path / "labels.csv")
    with IndexWriter.create(tmp_path / "own.index") as writer:
        writer.add_representation(make("thumbnail", {}))
        writer.update([tmp_path / "own"], jobs=1, labels=labels)
    with Index.open(tmp_path / "own.index") as index:
        task = index.ask(lambda snapshot: prepare(snapshot, EvaluationOptions(labels=labels)))
        compared = plain.mean_ap(index.names, task, index.read)
    assert set(compared) == set(plain_pipeline.PIPELINES)
    for detector, mean_ap in compared.items():
        assert 0 < mean_ap < 1
        assert plain_measures(data, detector)[0] == pytest.approx(100 * mean_ap, abs=1e-9)
