"""Two indexes of the same images: one whole, and one in four shards."""

import os
import shutil
from importlib.util import find_spec

import numpy as np
import pytest
from support.series import write_slice
from support.shards import change

from bovw import sift
from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.index import Index
from retrieval.index.catalogue.sample import sampled
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from scale.shards.sharded_index import ShardedIndex
from scale.shards.split import split

# Without the extras there is no server, and no cluster.
collect_ignore = [] if find_spec("strawberry") else ["test_served_shards.py"]

N_PATIENTS, N_SLICES = 12, 4


def write_patients(folder, mark=""):
    """Write series of drifting textures; every third patient looks like another one."""
    from support.images import texture_of_all_sizes

    rows = ["path,label,site"]
    for patient in range(N_PATIENTS):
        texture = texture_of_all_sizes(96, 96 + 8 * N_SLICES, seed=patient % 8)
        for number in range(N_SLICES):
            values = texture[:, 8 * number : 8 * number + 96].astype(np.uint8)
            path = folder / f"p{patient}" / f"{number}.dcm"
            place = {
                "patient": f"P{patient}{mark}",
                "series": f"{patient + 1}",
                "corner": (0, 0, 5.0 * number),
            }
            write_slice(path, values, **place, instance=number + 1, PixelSpacing=[0.5, 0.5])
            rows.append(f"{path.relative_to(folder)},{'odd' if patient % 3 else 'even'},{patient % 2}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")


@pytest.fixture(autouse=True)
def small_sample(monkeypatch):
    """Draw samples of 10 images, so that most images are in none."""
    monkeypatch.setattr(sampled, "__defaults__", (10,))


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """Make an index of four kinds of representations, sparse and dense, with evidence."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        patch.setattr(sampled, "__defaults__", (10,))
        # Names and the key of the user decide where patients go; now and then a shard gets none of 12.
        for attempt in range(9):
            place, scans = tmp_path_factory.mktemp("scale"), tmp_path_factory.mktemp("scans")
            write_patients(scans, "x" * attempt)
            with IndexWriter.create(place / "whole.index") as index:
                for made in (sift(words=60, points=150), Thumbnail(), ColourHistogram()):
                    index.add_representation(made)
                index.update([scans], jobs=1, labels=LabelTable.read(scans / "labels.csv"))
            plan = split(place / "whole.index", 4, place / "split", lambda *about: None)
            if all(shard.images for shard in plan.shards):
                # No shard is missed on a machine that has other work.
                change(plan.path, ("timeout = 10.0", "timeout = 120.0"))
                return place
    raise AssertionError("no split without an empty shard")


@pytest.fixture
def one(whole):
    """Open the whole index."""
    with Index.open(whole / "whole.index") as index:
        yield index


@pytest.fixture
def four(whole):
    """Open the index of shards."""
    with ShardedIndex.open(whole / "split" / "shards.toml") as index:
        yield index


@pytest.fixture
def copied(whole, tmp_path):
    """Return a copy of the shards that may be harmed."""
    return shutil.copytree(whole / "split", tmp_path / "split")
