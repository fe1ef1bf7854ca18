"""Facts about a process that only reads an index."""

import subprocess
import sys

import pytest
from support.drawings import draw_colour

import bovw
from benchmarks.speed.cold_query import name_of, write_index
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelRow, LabelTable
from retrieval.rankers.dense_block import CODED

SCRIPT = """
import sys
from pathlib import Path

from retrieval.index import Index

with Index.open(Path(sys.argv[1])) as index:
    assert index.query("0.png", k=3, blind=1)
    assert index.query("0.png", k=3, group_by="patient")
    assert index.query_volume(["0.png", "1.png"], group_by="patient")
    assert index.classify("0.png", not_same="id").votes
    assert index.find_labels("0.png", group_by="id").total
    assert index.explain("0.png", "1.png", by=["sift"]).by == "sift"
    assert len(index) == index.info()["pictures"] == 8 and not index.verify() and not index.leftovers()
    assert index.thumbnail("0.png") and index.vector("0.png", "sift") is not None
writing = ("retrieval.index.writer", "retrieval.index.update")
print(sorted(name for name in sys.modules if name.startswith(writing)))
"""


@pytest.fixture
def place(tmp_path):
    for number in range(8):
        draw_colour(tmp_path / "images" / f"{number}.png", number)
    rows = {
        f"{i}.png": LabelRow((("even", "odd")[i % 2],), {"patient": f"p{i // 2}"}, i + 2) for i in range(8)
    }
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(bovw.sift(words=20, tone_words=4, points=20))
        index.update([tmp_path / "images"], jobs=1, labels=LabelTable(rows))
    return tmp_path / "index"


def test_reading_imports_nothing_that_writes(place):
    asked = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(place)], capture_output=True, text=True, check=False
    )
    assert asked.stderr == ""
    assert asked.stdout == "[]\n"


HEAVY = "{'numba', 'scipy', 'sklearn', 'skimage', 'torch', 'PIL'}"


@pytest.mark.parametrize("is_coded", [False, True])
def test_a_small_query_by_name_loads_neither_numba_nor_scipy(request, tmp_path, is_coded):
    if is_coded:  # dense vectors, of which byte codes rule most out
        write_index(tmp_path / "index", CODED)
        place, name = tmp_path / "index", name_of(5)
    else:
        place, name = request.getfixturevalue("place"), "0.png"
    script = (
        "import sys; from cli.main import main; assert main(['query', *sys.argv[1:], '--quiet']) == 0;"
        f"print(sorted({HEAVY} & set(sys.modules)))"
    )
    asked = subprocess.run(
        [sys.executable, "-c", script, str(place), name], capture_output=True, text=True, check=True
    )
    assert asked.stdout.splitlines()[-1] == "[]"
