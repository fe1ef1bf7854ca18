"""Facts about the file of concepts: who changes it at the same time loses nothing of another."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

from support.drawings import draw_numbered
from support.indexes import index_thumbnails

from retrieval.index import Index
from retrieval.index.search import concepts
from retrieval.index.search.concepts import Example
from retrieval.index.storage import concept_file


def test_two_that_learn_at_once_keep_both(tmp_path, monkeypatch):
    draw_numbered(tmp_path / "images", 10)
    place = index_thumbnails(tmp_path / "index", tmp_path / "images")
    both, read = Barrier(2), concept_file.read_concepts

    def slowly(folder):
        found = read(folder)
        with suppress(BrokenBarrierError):
            both.wait(0.5)
        return found

    for module in (concept_file, concepts):  # wherever it is read from
        monkeypatch.setattr(module, "read_concepts", slowly)

    def learn(name):
        with Index.open(place) as index:
            like, unlike = ([Example(f"{i}.png") for i in range(*ends)] for ends in ((0, 5), (5, 10)))
            index.learn_concept(name, like, unlike)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(learn, ["bright", "dark"]))
    assert set(read(place)) == {"bright", "dark"}
