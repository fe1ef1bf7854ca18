"""Facts about the ranker of an index: chosen, changed, mended, and killed while its structure is made."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from retrieval.baselines import Thumbnail
from retrieval.errors import IndexFolderError, NotInstalledError, OptionError
from retrieval.index import Index
from retrieval.index.update import search_structures
from retrieval.index.writer import IndexWriter
from retrieval.rankers import approximate, dense_block

pytest.importorskip("annoy")
pytest.importorskip("faiss")

FEW = 20


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Let segments of 20 images have codes and search structures."""
    for module in (approximate, dense_block, search_structures):
        monkeypatch.setattr(module, "CODED", FEW)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import cv2

    folder = tmp_path_factory.mktemp("ranked")
    rng = np.random.default_rng(0)
    for number in range(60):
        coarse = rng.integers(0, 256, (5, 5), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(coarse, (24, 24)))
    return folder


@pytest.fixture
def index(tmp_path, folder):
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([folder], jobs=1, commit_every=25)
        yield index


def structures(index):
    (about,) = index.info()["representations"]
    return about.get("in_structures")


def answers(index):
    return [(hit.id, hit.score) for hit in index.query("7.png", k=5)]


def test_a_ranker_is_changed_without_encoding_again(index):
    expected = answers(index)
    assert structures(index) is None
    for ranker in ("hnsw", "annoy", "hnsw", "exact", "auto"):
        index.choose_ranker(ranker)
        assert structures(index) == ({ranker: 60} if ranker in ("hnsw", "annoy") else None)
        assert answers(index) == expected
        assert index.verify() == []
        assert index.leftovers() == []


def test_new_images_are_found_at_once_and_get_a_structure_when_there_are_enough(index, folder, tmp_path):
    index.choose_ranker("hnsw")
    late = tmp_path / "late"
    late.mkdir()
    for n in (3, FEW):
        for number in range(n):
            (late / f"{n}-{number}.png").write_bytes((folder / f"{number}.png").read_bytes())
        index.update([late], jobs=1)
        assert answers(index)[0][1] == pytest.approx(1)
        assert f"{n}-2.png" in [hit.id for hit in index.query("2.png", k=3)]
        assert structures(index) == {"hnsw": 60 if n == 3 else 60 + 3 + FEW}


def test_removed_images_are_not_found_and_compacting_makes_structures_without_them(index):
    index.choose_ranker("annoy")
    first = answers(index)[1][0]
    index.remove([first])
    assert first not in [name for name, _ in answers(index)]
    index.compact()
    assert structures(index) == {"annoy": 59}
    assert index.verify() == index.leftovers() == []


@pytest.mark.parametrize(
    ("ranker", "file"), [("hnsw", "links.npy"), ("annoy", "trees.annoy"), ("exact", "codes.npy")]
)
def test_damage_is_found_and_made_again_from_the_vectors(index, tmp_path, ranker, file):
    index.choose_ranker(ranker)
    expected = answers(index)
    if ranker == "exact":
        index.compact()  # segments of 25 images have become one, which has codes
    index.close()
    path = max((tmp_path / "index" / "segments").rglob(file), key=lambda path: path.stat().st_size)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    with Index.open(tmp_path / "index") as damaged:
        assert any(file in problem for problem in damaged.verify())
        with pytest.raises(IndexFolderError, match=f"{file}: damaged"):
            answers(damaged)
    report = IndexWriter.repair(tmp_path / "index", jobs=1)
    assert report.lost == report.left == ()
    assert any("are made again" in line for line in report.mended)
    with Index.open(tmp_path / "index") as mended:
        assert answers(mended) == expected
        assert structures(mended) == (None if ranker == "exact" else {ranker: 60})


def test_what_is_not_there_is_refused_with_its_remedy(index, monkeypatch):
    with pytest.raises(
        OptionError, match=r"no 'anoy'; one of auto, annoy, exact, hnsw.*; did you mean annoy"
    ):
        index.choose_ranker("anoy")
    with pytest.raises(OptionError, match="no representation 'deep'"):
        index.choose_ranker("hnsw", ["deep"])
    index.choose_ranker("annoy")
    for module in ("annoy", "faiss"):
        monkeypatch.setitem(sys.modules, module, None)
    for ranker, extra in (("annoy", "annoy"), ("hnsw", "hnsw")):
        with pytest.raises(NotInstalledError, match=rf"pip install 'semblance\[{extra}\]'"):
            index.choose_ranker(ranker)
    index.refresh()
    with pytest.raises(NotInstalledError, match="C\\+\\+ compiler"):
        answers(index)
    # An update says what is missing, and leaves all else as it is.
    assert any("ranked exactly" in note for note in index.update([], jobs=1).notes)
    assert structures(index) == {"annoy": 60}


def test_a_graph_is_walked_without_the_library_that_made_it(index, monkeypatch):
    index.choose_ranker("hnsw")
    expected = answers(index)
    monkeypatch.setitem(sys.modules, "faiss", None)
    index.refresh()
    assert answers(index) == expected


WRITER = """
import sys
from pathlib import Path
from retrieval.index.update import search_structures
from retrieval.index.writer import IndexWriter
from retrieval.rankers import approximate, dense_block

for module in (approximate, dense_block, search_structures):
    module.CODED = 20
with IndexWriter.open(Path(sys.argv[1])) as index:
    print("begin", flush=True)
    while True:
        for ranker in ("hnsw", "annoy", "exact"):
            index.choose_ranker(ranker)
"""


def test_a_kill_while_structures_are_made_leaves_an_index_that_is_whole(index, tmp_path):
    expected = answers(index)
    index.close()
    rng = np.random.default_rng(int(time.time()))
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, str(tmp_path / "index")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "begin\n"
        time.sleep(rng.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        with Index.open(tmp_path / "index") as left:
            assert left.verify() == []
            assert answers(left) == expected
    with IndexWriter.open(tmp_path / "index") as again:
        again.choose_ranker("hnsw")
        assert structures(again) == {"hnsw": 60}
        n_segments = sum(r["segments"] for r in again.info()["representations"]) + 3
        assert len(list((tmp_path / "index" / "segments").iterdir())) <= n_segments
