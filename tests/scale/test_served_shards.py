"""Shards that are served answer as the one index; who has no token, or is no head, is told nothing."""

import pytest
from support.server_process import listening, serving
from support.shards import ASKED, change

from retrieval.errors import IndexFolderError, OptionError
from scale.shards.messages import Message
from scale.shards.plan import read_plan
from scale.shards.sharded_index import ShardedIndex
from viewer.server.start import Listening, serve


def test_served_shards_answer_as_one_index_and_want_their_token(one, copied):
    shards = [copied / f"shard-{number}" for number in (0, 1)]
    with listening(*shards, token="secret") as address:
        server = address.partition("/#")[0]
        # A copy that nobody serves goes before the one that answers: it is passed over.
        pairs = [(f'"shard-{n}"', f'"http://127.0.0.1:9", "{server}"') for n in (0, 1)]
        plan = change(copied / "shards.toml", *pairs)
        with (
            ShardedIndex.open(plan) as index,
            pytest.raises(IndexFolderError, match="token is missing or wrong"),
        ):
            index.query(index.names[0])
        change(plan, ('token = ""', 'token = "secret"'))
        with ShardedIndex.open(plan) as index:
            for options in ASKED[::3]:
                assert index.query(one.names[7], **options) == one.query(one.names[7], **options)


def test_servers_and_who_asks_them_take_their_token_from_the_environment(whole, monkeypatch):
    monkeypatch.setenv("SEMBLANCE_TOKEN", "twenty-letters-or-more")
    assert read_plan(whole / "split" / "shards.toml").token == "twenty-letters-or-more"
    monkeypatch.setenv("SEMBLANCE_TOKEN", "short")
    with pytest.raises(OptionError, match="SEMBLANCE_TOKEN holds none; give 20 or more letters"):
        serve(None, Listening(port=0, has_token=True), print)


def test_a_server_tells_nothing_of_an_index_that_is_no_shard(whole):
    asked = Message({"protocol": 1, "split": "0", "number": 0, "commit": 1, "ask": "ids", "by": "sift"})
    with serving(whole / "whole.index") as client:
        assert client.post("/shard", content=asked.pack()).status_code == 404
        assert client.post("/shard", content=b"no message").status_code == 400
