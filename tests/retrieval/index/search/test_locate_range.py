"""Facts about ranges of slices that are located by labelled volumes."""

import numpy as np
import pytest
from support.series import write_series

from retrieval.baselines import Thumbnail
from retrieval.errors import SettingError
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.picture import Picture

N = 12


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder, place = tmp_path_factory.mktemp("series"), tmp_path_factory.mktemp("index") / "index"
    lines = ["path,label"]
    for patient in range(4):
        write_series(folder / f"p{patient}", patient, N, first=patient * 7.0)
        lines += [f"p{patient}/{i:03d}.dcm,lung" for i in range(3, 9)]
    (folder / "labels.csv").write_text("\n".join([*lines, ""]))
    with IndexWriter.create(place) as made:
        made.add_representation(Thumbnail())
        made.update([folder], jobs=1, labels=LabelTable.read(folder / "labels.csv"))
    with Index.open(place) as opened:
        yield opened


def test_black_slices_have_no_vote(index):
    names = [name for name in index.names if name.startswith("p2/")]
    heights = np.arange(N) * 5.0 + 14
    black = [Picture(np.zeros((32, 32), np.float32), f"black {i}") for i in range(N)]
    alone = index.locate_range(names, heights, "lung").range
    among = index.locate_range([*names, *black], [*heights, *(heights + 60)], "lung").range
    assert (among.bottom, among.top) == pytest.approx((alone.bottom, alone.top), abs=0.5)
    assert among.agreement == pytest.approx(alone.agreement, abs=0.01)
    with pytest.raises(SettingError, match="no labelled slice"):
        index.locate_range(black, heights, "lung")
