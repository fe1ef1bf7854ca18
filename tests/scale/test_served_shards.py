"""Shards that are served answer as the one index; who has no token, or is no head, is told nothing."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from support.served import SEARCH, graphql
from support.server_process import command, listening, serving
from support.shards import ASKED, change

import semblance
from cli.main import main
from retrieval.errors import IndexFolderError, OptionError
from retrieval.index import Index
from retrieval.index.search import novelty
from scale.shards.messages import Message
from scale.shards.places import AwayError, ServerPlace
from scale.shards.plan import read_plan
from scale.shards.sharded_index import ShardedIndex
from viewer.server.start import Listening, serve
from viewer.server.work import Workers


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


def test_a_server_of_a_shard_that_is_killed_under_twenty_clients_makes_no_answer_wrong(
    one, copied, monkeypatch
):
    monkeypatch.setenv("SEMBLANCE_TOKEN", "twenty-letters-or-more")
    with Index.open(copied / "shard-2") as lost:
        gone = set(lost.names)
    names = [name for name in one.names if name not in gone][:20]
    asked = {"by": ["thumbnail"], "k": 99}
    whole = {name: one.query(name, **asked) for name in names}
    rest = [name for name in one.names if name not in gone]
    without = {name: one.query(name, among=rest, **asked) for name in names}
    with command(copied / "shard-2", "--token") as (server, address, _):
        served = f'"{address.partition("/#")[0]}"'
        plan = change(copied / "shards.toml", ('"shard-2"', served))
        with ShardedIndex.open(plan) as index, ThreadPoolExecutor(len(names)) as clients:
            all_ask = Barrier(len(names) + 1)

            def ask(name):
                assert index.query(name, **asked) == whole[name]
                all_ask.wait(60)
                # Until the shard is missed.
                lacking = ""
                while not lacking:
                    hits, lacking = index.query(name, **asked), index.lacking
                    assert hits == (without if lacking else whole)[name]
                return lacking

            answers = [clients.submit(ask, name) for name in names]
            all_ask.wait(60)
            server.process.kill()
            for answer in answers:
                assert "1 of 4 shards is away" in answer.result(60)


def test_a_question_whose_head_has_gone_away_is_not_worked_for(copied, monkeypatch, caplog):
    busy, answered, workers = Event(), [], Workers(1)
    workers._queries.submit(busy.wait, 20)
    monkeypatch.setattr("viewer.server.routes.shard._answered", lambda desk, body: answered.append(1) or b"")
    with listening(copied / "shard-0", workers=workers) as address:
        with pytest.raises(AwayError, match="no answer within"):
            ServerPlace(address.rstrip("/"), "").ask(Message(), 0.5)
        end = time.monotonic() + 10
        while workers._n_running and time.monotonic() < end:
            time.sleep(0.05)
        busy.set()
        # The only thread does nothing else before this.
        workers._queries.submit(lambda: None).result(20)
    assert not answered
    assert not caplog.records


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


ASKS = [
    {"image": "p2/1.dcm", "findings": True, "groupBy": "patient", "k": 20},
    {"image": "p5/0.dcm", "by": ["sift"], "region": {"box": [20, 20, 50, 40]}, "fusion": "z"},
    {"image": "p1/2.dcm", "where": "site = '1'", "notSame": "patient", "volume": True},
]
MAP = """query($index: ID!) { map(index: $index, method: "pca") {
  ... on Map { places { x y label id } } } }"""


def shown(client, index, ask):
    """Return what the page is told of a question, without what changes from time to time."""
    found = graphql(client, SEARCH, index=index, ask=ask)["search"]
    return {name: value for name, value in found.items() if name not in ("tookMs", "commit")}


def test_the_page_over_shards_shows_what_it_shows_of_one_index(whole, copied):
    with serving(whole / "whole.index", copied / "shards.toml") as client:
        for ask in ASKS:
            answer = shown(client, "split", ask)
            assert answer == shown(client, "whole.index", ask)
            assert answer["hits"]
        maps = [graphql(client, MAP, index=index)["map"] for index in ("split", "whole.index")]
        assert maps[0] == maps[1]
        key = answer["hits"][0]["image"]["key"]
        tiles = [client.get(f"/images/{index}/{key}/thumbnail") for index in ("split", "whole.index")]
        assert tiles[0].status_code == 200
        assert tiles[0].content == tiles[1].content


def test_the_page_names_a_shard_that_is_away_and_goes_on(copied):
    with Index.open(copied / "shard-2") as lost, Index.open(copied / "shard-1") as present:
        gone, there = lost.names[0], present.names[0]
    shutil.rmtree(copied / "shard-2")
    with serving(copied / "shards.toml") as client:
        answer = shown(client, "split", {"image": there})
        assert any("1 of 4 shards is away" in note for note in answer["notes"])
        assert str(copied) not in str(answer["notes"])
        assert gone not in {hit["image"]["id"] for hit in answer["hits"]}
        refused = shown(client, "split", {"image": gone})
        assert refused["__typename"] == "Problem"
        assert "shard 2 (shard-2: no such folder) is away, and holds what is asked with" in refused["message"]


def test_the_answer_to_a_followed_mark_names_a_shard_that_is_away(copied, capsys):
    with Index.open(copied / "shard-1") as present:
        there = next(name for name in present.names if name.endswith("/1.dcm"))
    shutil.rmtree(copied / "shard-2")
    ask = ["query", str(copied / "shards.toml"), there, "--by", "sift", "--region", "9,9,60,60", "--json"]
    assert main([*ask, "--through", "6"]) == 0
    said = capsys.readouterr()
    assert "warning: 1 of 4 shards is away" in said.err
    (answer,) = json.loads(said.out)
    assert "1 of 4 shards is away" in answer["lacking"]


def test_classes_and_findings_of_an_index_of_any_size_go_on_without_a_shard(one, copied, monkeypatch):
    monkeypatch.setattr(novelty, "FEWEST", 5)
    with Index.open(copied / "shard-1") as present:
        there = present.names[0]
    shutil.rmtree(copied / "shard-2")
    with semblance.open(copied / "shards.toml") as index:
        for found in (index.classify(there, not_same="patient"), index.findings(there, k=3)):
            assert found.kind is not None
            assert found.lacking.startswith("1 of 4 shards is away")
            assert "1 of 4 shards is away" in found._repr_html_()
    assert one.classify(there, not_same="patient").kind is not None


@pytest.mark.parametrize("asked", ["evaluate", "duplicates", "vectors"])
def test_what_is_meant_for_all_images_is_refused_in_python_while_a_shard_is_away(copied, tmp_path, asked):
    shutil.move(copied / "shard-2", tmp_path / "elsewhere")
    with Index.open(copied / "shard-1") as present:
        there = present.names[0]
    with semblance.open(copied / "shards.toml") as index:
        for _ in range(2):  # before and after a query has met the shard
            with pytest.raises(IndexFolderError, match=r"shard 2 \(.* is away, and this needs every shard"):
                getattr(index, asked)()
            assert index.query(there).lacking
        shutil.move(tmp_path / "elsewhere", copied / "shard-2")
        # At once: nobody waits until a query tries again.
        assert getattr(index, asked)() is not None
