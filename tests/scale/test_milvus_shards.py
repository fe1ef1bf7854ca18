"""Shards of an index that asks an engine: they rank by themselves, whatever becomes of its copy."""

import pytest

pytest.importorskip("milvus_lite")

from support.drawings import draw_numbered
from support.indexes import catalogue_of

from benchmarks.shared.milvus_server import MilvusServer
from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.index import Index
from retrieval.index.catalogue.chosen_rankers import chosen_rankers
from retrieval.index.writer import IndexWriter
from scale.milvus.ranker import MilvusRanker
from scale.shards.sharded_index import ShardedIndex
from scale.shards.split import split

N = 240


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Start a server that is asked for few images, too."""
    monkeypatch.setattr(MilvusRanker, "few", 5)
    monkeypatch.setattr(MilvusRanker, "depth", 16)
    made = MilvusServer(tmp_path / "server")
    made.start()
    yield made
    made.kill()


def test_shards_of_an_index_that_asks_an_engine_know_none(tmp_path, server):
    images, whole, plan = tmp_path / "images", tmp_path / "index", tmp_path / "split" / "shards.toml"
    draw_numbered(images, N)
    with IndexWriter.create(whole) as index:
        for made in (Thumbnail(side=4), ColourHistogram()):
            index.add_representation(made)
        index.update([images], jobs=1)
        asked = {"by": ["thumbnail"], "k": 5}
        expected = {name: index.query(name, **asked) for name in index.names[:20]}
        index.choose_ranker(server.place, ["thumbnail"])
        split(whole, 2, plan.parent, lambda *about: None)
        for shard in ("shard-0", "shard-1"):
            with Index.open(plan.parent / shard) as one:
                assert one.verify() == []
        # Images that shards hold go from the index, and so from its copy.
        gone = [hit.id for hits in expected.values() for hit in hits][:30]
        index.remove(list(dict.fromkeys(gone)))
        with ShardedIndex.open(plan) as shards:
            assert {name: shards.query(name, **asked) for name in expected} == expected
            assert shards.lacking == ""
        index.drop_copies(server.place)
    with catalogue_of(plan.parent / "head") as catalogue:
        assert chosen_rankers(catalogue) == {}
