"""The file of an image of the index asks as the image does by its id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import semblance
from retrieval.baselines import Thumbnail
from retrieval.index.writer import IndexWriter, MetricOptions
from retrieval.metadata.label_table import LabelTable
from retrieval.metric_learning import MetricLearner

N = 40
METRIC = "thumbnail+nca"


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of noise with labels at random."""
    place = tmp_path_factory.mktemp("own_file") / "scans"
    place.mkdir()
    rng = np.random.default_rng(0)
    lines = ["path,label"]
    for i in range(N):
        Image.fromarray(rng.integers(0, 255, (8, 8), dtype=np.uint8)).save(place / f"{i:02}.png")
        lines.append(f"{i:02}.png,{'ab'[rng.integers(2)]}")
    (place / "labels.csv").write_text("\n".join([*lines, ""]))
    return place


@pytest.fixture(scope="module")
def index(scans: Path) -> Iterator[semblance.Index]:
    """Return an index of them, and a metric that was learnt from all their labels."""
    with IndexWriter.create(scans.parent / "i") as writer:
        writer.add_representation(Thumbnail(8))
        writer.update([scans], jobs=1, labels=LabelTable.read(scans / "labels.csv"))
        writer.learn_metric(MetricOptions("thumbnail", MetricLearner("nca")))
    with semblance.open(scans.parent / "i") as opened:
        yield opened


@pytest.mark.parametrize("asked", [{"blind": 3}, {"smooth": 5}, {"blind": 2, "smooth": 3}])
def test_an_image_is_no_feedback_and_no_neighbour_of_its_own_file(index, scans, asked):
    by_id, by_file = (
        index.query(image, by="thumbnail", k=N, **asked) for image in ("03.png", scans / "03.png")
    )
    assert [hit.id for hit in by_file] == [hit.id for hit in by_id]
    assert [hit.score for hit in by_file] == pytest.approx([hit.score for hit in by_id], abs=1e-5)
