"""An index whose ranker asks Milvus answers as one that ranks by itself, whatever becomes of the server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
from support.indexes import catalogue_of

pytest.importorskip("milvus_lite")

from benchmarks.shared.milvus_server import MilvusServer
from cli.main import main
from retrieval.baselines import Thumbnail
from retrieval.errors import OptionError
from retrieval.index import Index
from retrieval.index.catalogue.engine_copies import note_copy, stored_copies
from retrieval.index.storage.engines import open_copy
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.rankers.engine import EngineError
from scale.milvus.copy import MilvusCopy
from scale.milvus.ranker import MilvusRanker

N_FILES, N_PAGES = 4, 70
CONDITIONS = [
    None,
    "site = 's1 o''k\" (\\'''",
    "label = 'x' or not site like 's2%'",
    "age >= 30 and age < 90",
    "label in ('x', 'y') and site is not null",
    "not (label != 'x')",
    "id like '%#7'",
]


def write_pages(folder, number, seed):
    """Write a file of small pages that look like one of twelve."""
    rng = np.random.default_rng(seed)
    base = np.random.default_rng(0).integers(0, 255, (12, 16, 16))
    pages = np.clip(base[rng.integers(0, 12, N_PAGES)] + rng.normal(0, 30, (N_PAGES, 16, 16)), 0, 255)
    tifffile.imwrite(folder / f"{number}.tif", pages.astype(np.uint8), photometric="minisblack")


def labels(folder, shift=0):
    """Write and read a table: labels, quotes and brackets in texts, numbers, and patients."""
    rows = ["path,label,site,patient,age"]
    for number in range(N_FILES):
        for page in range(N_PAGES):
            label = ";".join(["y", "x"][: 1 + ((page + shift) % 4 == 0)])
            site = f"s{page % 3} o'k\"\" (\\'" if page % 5 else ""
            rows.append(f'{number}.tif#{page},{label},"{site}",Patient-{page // 7},{page}')
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return LabelTable.read(folder / "labels.csv")


def copies(place):
    """Return the copies of an index at engines, as its catalogue has them."""
    with catalogue_of(place) as catalogue:
        return stored_copies(catalogue).values()


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Ask the engine also of few images."""
    monkeypatch.setattr(MilvusRanker, "few", 5)
    monkeypatch.setattr(MilvusRanker, "depth", 20)
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = MilvusServer(tmp_path_factory.mktemp("server"))
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make an index that ranks by itself."""
    folder = tmp_path_factory.mktemp("engine")
    (folder / "scans").mkdir()
    for number in range(N_FILES):
        write_pages(folder / "scans", number, number)
    with IndexWriter.create(folder / "index") as index:
        index.add_representation(Thumbnail(side=4))
        index.update([folder / "scans"], jobs=1, labels=labels(folder / "scans"))
    return folder


@pytest.fixture
def pushed(made, server, tmp_path):
    """Return a copy of the index with the engine as its ranker; its copy there is its own."""
    place = shutil.copytree(made, tmp_path / "own")
    with IndexWriter.open(place / "index") as index:
        index.choose_ranker(server.place)
    yield place / "index"
    if server.process is None:
        server.start()
    with IndexWriter.open(place / "index") as index:
        index.drop_copies(server.place)


@pytest.fixture
def asked(monkeypatch):
    """Count what engines were asked, and by which filters."""
    filters, find = [], MilvusCopy.find

    def counted(self, views, depth, condition):
        filters.append(condition)
        return find(self, views, depth, condition)

    monkeypatch.setattr(MilvusCopy, "find", counted)
    return filters


def answers(index, **options):
    return [(hit.id, hit.score) for hit in index.query("0.tif#21", k=10, **options)]


def test_answers_with_filters_are_those_of_the_index_itself(made, pushed, asked):
    with Index.open(made / "index") as exact, Index.open(pushed) as index:
        for where in CONDITIONS:
            for not_same in (None, "patient"):
                found = answers(index, where=where, not_same=not_same)
                assert found == answers(exact, where=where, not_same=not_same)
                assert index.lacking == ""
    # A condition on ids cannot be expressed; all others are, and both are in one expression.
    assert len(asked) == 2 * (len(CONDITIONS) - 1)
    assert sum(one is None for one in asked) == 1


def test_no_name_and_no_text_of_an_image_reaches_the_server(pushed, server):
    held = b"".join(path.read_bytes() for path in server.folder.rglob("*") if path.is_file())
    assert b"semblance_" in held
    # Texts long enough not to stand by chance among the bytes of the vectors.
    texts = [b"0.tif#", b"s1 o'k", b"Patient-", b"site", b"label", b"patient"]
    assert [text for text in texts if text in held] == []


def test_a_push_says_what_is_found_and_a_second_one_writes_nothing(pushed, server):
    with IndexWriter.open(pushed) as index:
        (report,) = index.push(server.place)
        assert (report.n, report.n_written, report.n_deleted) == (N_FILES * N_PAGES, 0, 0)
        assert min(report.recall, report.filtered_recall) >= 0.95
        assert 0 < report.share < 1


def test_removed_added_and_relabelled_images_follow_commits(made, pushed, server, asked, tmp_path):
    with IndexWriter.open(pushed) as index:
        index.remove([f"1.tif#{page}" for page in range(30)])
        assert index.behind == ()
        (tmp_path / "more").mkdir()
        write_pages(tmp_path / "more", N_FILES, seed=9)
        index.update([made / "scans", tmp_path / "more"], jobs=1, labels=labels(made / "scans", shift=1))
        assert index.verify() == []
        (copied,) = copies(pushed)
        numbers, _ = open_copy(copied.engine, copied.name).sums()
        assert len(numbers) == len(index) == (N_FILES + 1) * N_PAGES - 30
        found = answers(index, where="label = 'x'")
        index.choose_ranker("exact")
        assert found == answers(index, where="label = 'x'")
    assert len(asked) > 50  # the trials of pushes, and this query


def test_images_that_came_after_the_copy_are_found_and_removed_ones_are_not(pushed, server, asked, tmp_path):
    server.kill()
    (tmp_path / "more").mkdir()
    write_pages(tmp_path / "more", N_FILES, seed=0)  # the pages of the first file again
    with IndexWriter.open(pushed) as index:
        index.remove(["0.tif#22"])
        assert "its copy is behind, milvus:http://127.0.0.1" in index.behind[0]
        report = index.update([tmp_path / "more"], jobs=1)
        assert any("its copy is behind" in note for note in report.notes)
        server.start()
        assert [id for id, _ in answers(index)][:2] == ["0.tif#21", f"{N_FILES}.tif#21"]
        assert index.lacking == ""
        assert answers(index, where="site is not null")  # by the index: the cells are of an earlier commit
    assert [one for one in asked if one is not None] == []
    with IndexWriter.open(pushed) as index:
        (report,) = index.push(server.place)
        assert (report.n_written, report.n_deleted) == (N_PAGES, 1)


def test_a_server_that_is_killed_or_silent_costs_a_sentence_and_no_hit(made, pushed, server, monkeypatch):
    monkeypatch.setenv("SEMBLANCE_ENGINE_SECONDS", "0.5")
    with Index.open(made / "index") as exact:
        wanted = answers(exact, where="label = 'x'")
    with Index.open(pushed) as index:
        assert answers(index, where="label = 'x'") == wanted
        server.pause()
        started = time.monotonic()
        assert answers(index, where="label = 'x'") == wanted
        assert time.monotonic() - started < 20
        assert "no answer within 0.5 s; the index itself ranked the images" in index.lacking
        server.go_on()
    server.kill()
    with Index.open(pushed) as index:
        assert answers(index, where="label = 'x'") == wanted
        assert "the index itself ranked the images" in index.lacking
        started = time.monotonic()
        answers(index)
        assert "the index itself ranked the images" in index.lacking
        assert time.monotonic() - started < 0.4  # it is not asked again at once
    server.start()
    monkeypatch.delenv("SEMBLANCE_ENGINE_SECONDS")
    with Index.open(pushed) as index:
        assert answers(index, where="label = 'x'") == wanted
        assert index.lacking == ""


ASK = """
import sys
from pathlib import Path
from retrieval.index import Index
from scale.milvus.ranker import MilvusRanker
MilvusRanker.few, MilvusRanker.depth = 5, 20
with Index.open(Path(sys.argv[1])) as index:
    print([(h.id, h.score) for h in index.query("0.tif#21", k=10)], index.lacking, sep="")
"""


def test_two_other_processes_ask_the_same_copy(made, pushed):
    clients = [
        subprocess.Popen([sys.executable, "-c", ASK, str(pushed)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    with Index.open(made / "index") as exact:
        assert [client.communicate()[0].strip() for client in clients] == [str(answers(exact))] * 2


def test_verify_finds_what_a_copy_lost_or_changed_and_repair_makes_it_anew(pushed, server):
    (copied,) = copies(pushed)
    copy = open_copy(copied.engine, copied.name, patient=True)
    (page,) = list(copy.rows())
    copy.delete(page.numbers[[0, 1, 2, 5]])
    # A vector that changed under its checksum, and a row of another index.
    copy.put(type(page)(*(part[5:6] for part in page))._replace(vectors=page.vectors[6:7]))
    copy.put(type(page)(*(part[5:6] for part in page))._replace(numbers=np.array([10**6])))
    copy.settle()
    with Index.open(pushed) as index:
        (problem,) = index.verify()
    assert "lacks 3 images, has 1 that differ, has 1 that the index does not" in problem
    report = IndexWriter.repair(pushed, jobs=1)
    assert (len(report.mended), report.left) == (1, ())
    with Index.open(pushed) as index:
        assert index.verify() == []
    (again,) = copies(pushed)
    assert again.name != copied.name


def test_a_copy_that_finds_too_little_or_is_of_other_vectors_is_not_asked(made, pushed, asked):
    (copied,) = copies(pushed)
    poor = type(copied)(**{**copied.__dict__, "recall": 0.41})
    with catalogue_of(pushed, write=True) as catalogue:
        note_copy(catalogue, "thumbnail", poor)
    with Index.open(made / "index") as exact, Index.open(pushed) as index:
        assert answers(index) == answers(exact)
        assert "had 41% of the ten best" in index.lacking
    other = type(copied)(**{**copied.__dict__, "recipe": "of another one"})
    with catalogue_of(pushed, write=True) as catalogue:
        note_copy(catalogue, "thumbnail", other)
    with Index.open(pushed) as index:
        answers(index)
        assert "holds no copy of these vectors yet" in index.lacking
    assert asked == []


def test_no_engine_is_chosen_that_does_not_take_the_vectors(made, server, tmp_path):
    place = shutil.copytree(made / "index", tmp_path / "index")
    with IndexWriter.open(place) as index:
        with pytest.raises(EngineError, match=r"127\.0\.0\.1:9: no server answers there"):
            index.choose_ranker("milvus:http://127.0.0.1:9")
        assert "ranker" not in index.info()["representations"][0]
        assert index.verify() == []
        with pytest.raises(OptionError, match="holds no copy of this index"):
            index.drop_copies(server.place)
        with pytest.raises(OptionError, match="no representation 'deep'"):
            index.push(server.place, ["deep"])
        with pytest.raises(OptionError, match="exact is no engine"):
            index.push("exact")


def test_a_copy_at_a_server_that_is_gone_can_be_forgotten(made, pushed, server, capsys):
    (copied,) = copies(pushed)
    lost = type(copied)(**{**copied.__dict__, "engine": "milvus:http://127.0.0.1:9"})
    with catalogue_of(pushed, write=True) as catalogue:
        note_copy(catalogue, "thumbnail", lost)
    drop = ["push", str(pushed), "--to", "milvus:http://127.0.0.1:9", "--drop"]
    assert main(drop) == 1
    assert "no server answers there" in capsys.readouterr().err
    assert main([*drop, "--forget"]) == 0
    assert "thumbnail: its copy at milvus:http://127.0.0.1:9 is forgotten" in capsys.readouterr().out
    with catalogue_of(pushed, write=True) as catalogue:
        note_copy(catalogue, "thumbnail", lost)
    assert main([*drop, "--forget", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"dropped": ["thumbnail"]}
    assert main(["push", str(pushed), "--to", server.place, "--quiet"]) == 0
    assert f"thumbnail: {N_FILES * N_PAGES} vectors at {server.place}" in capsys.readouterr().out
