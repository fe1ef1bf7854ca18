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
REGIONS = [None, (0, 0, 4, 4), (4, 0, 4, 4), (0, 4, 4, 4), (4, 4, 4, 4)]


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
    # The same image under another name, and another label.
    Image.open(place / "05.png").save(place / "copy.png")
    lines.append("copy.png,c")
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


@pytest.mark.parametrize("name", ["05.png", "copy.png", "07.png"])
def test_an_image_is_known_by_its_file_wherever_it_is_judged(index, scans, name):
    by_id, by_file = (index.classify(image, by="thumbnail", unsure=0, k=5) for image in (name, scans / name))
    assert (by_file.copies, by_file.kind, by_file.unlike) == (by_id.copies, by_id.kind, by_id.unlike)
    # Its copy under another name does not vote.
    assert ("copy.png" in by_id.copies.of_query) == (name == "05.png")
    assert [one.id for one in by_file.neighbours] == [one.id for one in by_id.neighbours]
    found, wanted = (index.findings(image, by="thumbnail", k=5) for image in (scans / name, name))
    assert found.labels == wanted.labels
    assert (found.copies, found.kind, found.unlike) == (wanted.copies, wanted.kind, wanted.unlike)


def test_a_metric_that_learnt_from_an_image_has_seen_its_file_too(index, scans):
    for name in index.ids[:5]:
        by_id, by_file = (index.classify(image, by=METRIC, unsure=0, k=5) for image in (name, scans / name))
        assert [one.id for one in by_file.neighbours] == [one.id for one in by_id.neighbours]
        assert by_file.votes == pytest.approx(by_id.votes, abs=1e-4)
        found, wanted = (index.findings(image, by=METRIC, k=4) for image in (scans / name, name))
        # Only images of its fold may be found: the others were drawn together with it.
        assert (found.total, found.labels) == (wanted.total, wanted.labels)


def test_findings_of_a_region_by_a_metric_are_of_the_region(index, scans):
    for image in ("03.png", scans / "03.png"):
        found = [index.findings(image, by=METRIC, k=3, region=box).labels for box in REGIONS]
        assert len(set(found)) > 1
