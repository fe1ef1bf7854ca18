"""The command as a user starts it: a process of its own, on a port of this machine."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from support.served import SEARCH, asked, graphql, hounsfield, make_index, run, search, write_ct
from support.server_process import command, serving
from threadpoolctl import threadpool_info

from bovw.bag_of_words import BagOfWords
from retrieval.errors import IndexFolderError, SemblanceError
from retrieval.index import Index
from retrieval.readers.pseudonym import hashed
from viewer.access_log import VARIABLE
from viewer.server.collection import Collection
from viewer.server.opened import Opened
from viewer.server.work import Workers

IMAGE = "ct0/002.dcm"


@pytest.fixture(scope="module")
def live(index):
    """A server of the index, and the address that it prints."""
    with command(index) as (client, address, _):
        yield client, address


def test_the_address_that_is_printed_is_of_this_machine_and_answers(live):
    client, address = live
    assert address.startswith("http://127.0.0.1:")
    assert "<title>" in client.get("/").text
    assert client.get("/state").json()["indexes"][0]["images"] == 20


def test_hits_are_those_of_the_command_line(live, index):
    client, _ = live
    ours = search(client, image=IMAGE, region={"box": [20, 30, 40, 36]}, by=["superpixel"], k=5)
    theirs = asked(index, IMAGE, "--region", "20,30,40,36", "--by", "superpixel", "-k", "5", "--exclude-self")
    assert [(hit["image"]["id"], hit["score"]) for hit in ours["hits"]] == [
        (hit["id"], hit["score"]) for hit in theirs["hits"]
    ]


def test_twenty_ask_at_once_and_each_gets_its_own_answer(live):
    client, _ = live
    names = [f"ct{p}/{n:03d}.dcm" for p in range(3) for n in range(6)] + ["grey.png", "colour.png"]

    def first(name):
        return search(client, image=name, by=["thumbnail"], includeSelf=True, k=1)["hits"][0]["image"]["id"]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(first, names)) == names


def test_the_server_answers_while_a_query_is_under_way(live):
    client, _ = live
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(
            search, client, image=IMAGE, region={"box": [20, 30, 40, 36]}, findings=True, k=100
        )
        looks = 0
        while not slow.done():
            assert client.get("/state").status_code == 200
            looks += 1
        assert looks >= 2 and slow.result()["hits"]


@pytest.fixture(scope="module")
def changing(tmp_path_factory):
    """An index that tests change, one after the other, and the names of what was restored of it."""
    return make_index(tmp_path_factory.mktemp("changing"))


def add_slice(index, number):
    """Add an image to an index, as another process would."""
    folder = index.parent / "images"
    write_ct(folder / "ct3" / f"{number:03d}.dcm", hounsfield(3, number), "P3", "4", number)
    assert run(["index", folder, "-o", index, "--jobs", "1", "--quiet"])[0] == 0


def state_of(client):
    """Return how many images an index has, and what is loading."""
    (found,) = client.get("/state").json()["indexes"]
    return found["images"], found["loading"]


def wait_until(is_so):
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_new_commit_is_taken_up_and_nothing_is_loaded_again(changing, monkeypatch):
    """A network takes seconds to be restored; a commit that does not change it waits for none of them."""
    restored = []
    restore = BagOfWords.restore

    def counted(self, arrays):
        restored.append(self.name)
        return restore(self, arrays)

    monkeypatch.setattr(BagOfWords, "restore", counted)
    with serving(changing) as client:
        wait_until(lambda: state_of(client) == (20, []))
        assert restored == ["superpixel"]
        kept = search(client, image=IMAGE, by=["thumbnail"], k=1)["hits"][0]["image"]
        add_slice(changing, 0)
        of_writer = len(restored)
        wait_until(lambda: state_of(client) == (21, []))
        assert search(client, image="ct3/000.dcm", by=["superpixel"], k=1)["hits"]
        assert len(restored) == of_writer
        # What did not change keeps its address, so that no pixel is fetched twice.
        assert search(client, image=IMAGE, by=["thumbnail"], k=1)["hits"][0]["image"]["key"] == kept["key"]


def test_a_commit_is_taken_up_while_a_network_is_loading(changing, monkeypatch):
    is_there = threading.Event()
    load = Collection.load
    monkeypatch.setattr(Collection, "load_quick", lambda self: None)
    monkeypatch.setattr(Collection, "load", lambda self: (is_there.wait(20), load(self)))
    monkeypatch.setattr("viewer.server.app.CALM", 0)
    with serving(changing) as client:
        before, loading = state_of(client)
        assert loading
        add_slice(changing, 1)
        wait_until(lambda: state_of(client) == (before + 1, loading))
        is_there.set()
        wait_until(lambda: state_of(client) == (before + 1, []))


def test_a_question_right_after_the_start_is_answered_by_all_that_needs_no_network(index, monkeypatch):
    monkeypatch.setattr(Collection, "load_quick", lambda self: self.now.load(["superpixel"]))
    monkeypatch.setattr(Collection, "load", lambda self: None)
    with serving(index) as client:
        wait_until(lambda: state_of(client)[1] == ["thumbnail"])
        found = search(client, image=IMAGE, k=3)
        assert (found["by"], found["notes"]) == (["superpixel", "thumbnail"], [])


def test_practice_waits_for_a_calm_moment_and_networks_do_not(index, monkeypatch):
    """Preparing what nobody has asked for yet would slow down what somebody asks now."""
    calm, practised, loaded = threading.Event(), threading.Event(), threading.Event()
    monkeypatch.setattr(Workers, "_is_calm", lambda self, seconds: calm.is_set())
    monkeypatch.setattr(Collection, "load_quick", lambda self: None)
    monkeypatch.setattr(Collection, "load", lambda self: loaded.set())
    monkeypatch.setattr(Opened, "touch", lambda self: practised.set())
    monkeypatch.setattr("viewer.server.app.PATIENCE", 0.1)
    with serving(index):
        assert loaded.wait(20)
        assert not practised.is_set()
        calm.set()
        assert practised.wait(20)


def test_queries_do_not_wait_for_each_others_threads(client):
    """Each runs on a processor of its own: the BLAS that NumPy multiplies by has one thread in each."""
    assert client.get("/state").status_code == 200
    # Others may have been loaded since the server began, by other tests of this process.
    pools = [pool for pool in threadpool_info() if "numpy" in pool["filepath"]]
    assert {pool["num_threads"] for pool in pools} == {1}


def test_a_file_that_changed_has_another_key(changing):
    with serving(changing) as client:
        document = '{ image(index: "scans.index", image: "ct0/000.dcm") { ... on Image { key } } }'
        before = graphql(client, document)["image"]["key"]
        folder = changing.parent / "images"
        write_ct(folder / "ct0" / "000.dcm", hounsfield(9, 0), "P0", "1", 5)
        assert run(["index", folder, "-o", changing, "--jobs", "1", "--quiet"])[0] == 0
        wait_until(lambda: (graphql(client, document)["image"] or {}).get("key") != before)
        assert client.get(f"/images/scans.index/{before}/pixels").status_code == 404


def test_a_server_with_a_token_at_another_address_answers_and_ends_in_good_order(index):
    with command(index, "--host", "127.0.0.2", "--token") as (client, address, _):
        assert address.startswith("http://127.0.0.2:")
        token = address.partition("#token=")[2]
        assert len(token) >= 30
        assert client.get("/state").status_code == 401
        shown = {"authorization": f"Bearer {token}"}
        assert client.get("/state", headers=shown).status_code == 200
        # A page that watches must not keep the server from ending.
        request = {"query": "subscription { state { indexes { id } } }"}
        headers = {**shown, "accept": "text/event-stream"}
        with client.stream("POST", "/graphql", json=request, headers=headers) as events:
            # Kept: who lets go of the lines closes the connection.
            lines = events.iter_lines()
            assert next(lines) == "event: next"
            client.process.send_signal(signal.SIGINT)
            assert client.process.wait(timeout=20) == 0
        # It was ended on purpose, which is no error, whoever listened.
        assert client.process.stderr.read() == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "70000"], "--port: 70000 is no port"),
        (["--host", "203.0.113.7"], "--host: 203.0.113.7:8417: "),
        (["--references", "none.csv"], "references: none.csv"),
    ],
)
def test_what_makes_no_sense_is_one_line(arguments, says, index, capsys):
    code, _ = run(["serve", index, *arguments])
    said = capsys.readouterr().err.splitlines()
    assert code == 2
    assert says in said[-1]


def test_a_folder_that_is_no_index_is_one_line(tmp_path, capsys):
    assert run(["serve", tmp_path])[0] == 1
    assert "is not an index" in capsys.readouterr().err


@pytest.mark.parametrize("format", ["format1", "format2", "format3"])
def test_indexes_of_earlier_formats_are_served(format, tmp_path):
    place = shutil.copytree(Path(__file__).parents[2] / "golden" / format / "index", tmp_path / "old.index")
    with serving(place) as client:
        document = '{ images(index: "old.index", first: 1) { ... on ImagePage { items { id key } } } }'
        (image,) = graphql(client, document)["images"]["items"]
        assert client.get(f"/images/old.index/{image['key']}/thumbnail").content.startswith(b"\xff\xd8")
        found = graphql(client, SEARCH, index="old.index", ask={"image": image["id"], "by": ["thumbnail"]})
        assert found["search"]["hits"]


def test_a_representation_that_cannot_be_loaded_is_told_and_the_others_answer(index, monkeypatch):
    monkeypatch.setattr("retrieval.baselines.Thumbnail.open_ranker", fail)
    with serving(index) as client:
        document = "{ indexes { representations { name isLoaded problem } } }"
        wait_until(lambda: state_of(client)[1] == [])
        found = {one["name"]: one for one in graphql(client, document)["indexes"][0]["representations"]}
        assert found["superpixel"]["isLoaded"] and found["superpixel"]["problem"] is None
        assert not found["thumbnail"]["isLoaded"] and "a folder is away" in found["thumbnail"]["problem"]
        answer = search(client, image=IMAGE, k=3)
        assert answer["by"] == ["superpixel"] and answer["hits"]
        assert any(note.startswith("thumbnail cannot be loaded") for note in answer["notes"])


def fail(*_):
    raise IndexFolderError("a folder is away")


def test_who_goes_away_leaves_the_line(live):
    """Thirty marks that were replaced before they were answered do not keep the next one waiting."""
    client, address = live
    body = {
        "query": SEARCH,
        "variables": {"ask": {"image": IMAGE, "region": {"box": [20, 30, 40, 36]}, "k": 100}},
    }

    def leave(_):
        with httpx.Client(base_url=address, timeout=0.2) as other, suppress(httpx.TimeoutException):
            other.post("/graphql", json=body)

    started = time.monotonic()
    assert client.post("/graphql", json=body).is_success
    one = time.monotonic() - started
    with ThreadPoolExecutor(30) as pool:
        list(pool.map(leave, range(30)))
    started = time.monotonic()
    assert search(client, image=IMAGE, by=["thumbnail"], k=1)["hits"]
    # All thirty would take many times as long as one.
    assert time.monotonic() - started < 2 + 10 * one


def test_what_the_page_shows_is_in_the_access_log_by_hashes(index, tmp_path, monkeypatch):
    log = tmp_path / "access.log"
    monkeypatch.setenv(VARIABLE, str(log))
    with serving(index) as client:
        found = [hit["image"] for hit in search(client, image=IMAGE, by=["thumbnail"], k=2)["hits"]]
        client.get(f"/images/scans.index/{found[0]['key']}/pixels")
        graphql(client, '{ images(index: "scans.index", first: 3) { __typename } }')
    with Index.open(index) as opened:
        key = opened.ask(lambda snapshot: snapshot.catalogue.key)
    hashes = [hashed(key, "access", one["id"]) for one in found]
    searched, looked, listed = map(json.loads, log.read_text().splitlines())
    assert (searched["command"], searched["shown"]) == ("serve search", hashes)
    assert searched["asked"] == [hashed(key, "access", IMAGE)]
    assert (looked["command"], looked["shown"]) == ("serve image", hashes[:1])
    assert (listed["command"], len(listed["shown"])) == ("serve list", 3)
    assert ".dcm" not in log.read_text()


def test_what_cannot_be_logged_is_not_shown(index, tmp_path, monkeypatch):
    log = tmp_path / "logs" / "access.log"
    log.parent.mkdir()
    monkeypatch.setenv(VARIABLE, str(log))
    with serving(index) as client:
        shutil.rmtree(log.parent)
        found = search(client, image=IMAGE, by=["thumbnail"])
        assert found["__typename"] == "Problem" and "access log" in found["message"]
        assert str(tmp_path) not in found["message"]
    with pytest.raises(SemblanceError, match="access log"):
        serving(index)
