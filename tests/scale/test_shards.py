"""Shards: four of them answer as the one index, to the last bit; a shard that is away is named."""

import errno
import json
import shutil
import zipfile
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from support.shards import ASKED, change

from cli.main import main
from retrieval.errors import IndexFolderError, SettingError
from retrieval.index import Index
from retrieval.index.search.concepts import Example
from retrieval.index.writer import IndexWriter, MetricOptions
from retrieval.region import Region
from scale.shards import places
from scale.shards.messages import Message, MessageError
from scale.shards.places import AwayError, FolderPlace, ServerPlace
from scale.shards.plan import folder_of
from scale.shards.sharded_index import ShardedIndex
from scale.shards.split import split


def at_random(seed):
    """Return the options of a random query."""
    random = np.random.default_rng(seed)
    options = dict(ASKED[random.integers(len(ASKED))])
    if random.random() < 0.3:
        options["where"] = ["site = '0'", "label != 'odd'", "rows > 1"][random.integers(3)]
    if random.random() < 0.3:
        options["k"] = int(random.integers(1, 60))
    return options


@pytest.mark.parametrize("options", ASKED, ids=str)
def test_four_shards_answer_as_one_index(one, four, options):
    for name in (one.names[0], one.names[-1]):
        # Hits are compared as they are: scores, boxes, inliers, votes, and cases with their images.
        assert four.query(name, **options) == one.query(name, **options)


def test_queries_that_are_read_from_files_find_the_same(one, four):
    picture = one.read("p2/3.dcm")
    assert four.query(picture) == one.query(picture)
    assert four.query(picture, region=Region.box(9, 9, 60, 60)) == one.query(
        picture, region=Region.box(9, 9, 60, 60)
    )


def test_volumes_findings_and_classes_are_those_of_one_index(one, four):
    slices = [f"p1/{n}.dcm" for n in range(3)]
    assert four.query_volume(slices, group_by="patient") == one.query_volume(slices, group_by="patient")
    assert four.find_labels("p5/0.dcm", k=4) == one.find_labels("p5/0.dcm", k=4)
    assert four.classify("p5/0.dcm", not_same="patient") == one.classify("p5/0.dcm", not_same="patient")
    assert one.thumbnail("p7/2.dcm") == four.thumbnail("p7/2.dcm")


def test_images_of_a_patient_are_in_one_shard(whole):
    names = []
    for number in range(4):
        with Index.open(whole / "split" / f"shard-{number}") as shard:
            assert shard.verify() == []
            names += shard.names
            patients = {name.partition("/")[0] for name in shard.names}
            assert len(shard) == 4 * len(patients)
    with Index.open(whole / "whole.index") as index:
        assert sorted(names) == list(index.names)


def test_nothing_of_other_patients_is_in_the_catalogue_of_a_shard(whole):
    with Index.open(whole / "split" / "shard-0") as shard:
        own = {name.partition("/")[0] for name in shard.names}
        (foreign, *_) = sorted({f"p{number}" for number in range(12)} - own)
    content = (whole / "split" / "shard-0" / "catalogue.sqlite").read_bytes()
    assert f"{min(own)}/1.dcm".encode() in content
    assert f"{foreign}/1.dcm".encode() not in content


def test_heads_and_shards_are_not_written_to_and_heads_not_asked_alone(whole):
    with pytest.raises(IndexFolderError, match=r"is the head of shards; ask .*shards\.toml"):
        Index.open(whole / "split" / "head")
    for name in ("head", "shard-1"):
        with pytest.raises(IndexFolderError, match=r"is the head|is a shard"):
            IndexWriter.open(whole / "split" / name)


def test_a_shard_that_is_away_is_left_out_as_a_condition_leaves_images_out(one, copied):
    with Index.open(copied / "shard-2") as lost:
        gone = set(lost.names)
    rest = [name for name in one.names if name not in gone]
    shutil.rmtree(copied / "shard-2")
    with ShardedIndex.open(copied / "shards.toml") as index:
        for options in ({}, {"fusion": "z"}, {"group_by": "patient"}, {"region": Region.box(9, 9, 50, 50)}):
            assert index.query(rest[0], **options) == one.query(rest[0], among=rest, **options)
        assert index.find_labels(rest[0], k=3).total == one.find_labels(rest[0], k=3, among=rest).total
        share = f"{len(rest) / len(one):.1%}"
        assert f"1 of 4 shards is away, so that {share} of the images were asked: shard 2 (" in index.lacking
        with pytest.raises(IndexFolderError, match=r"shard 2 .* is away, and holds what is asked with"):
            index.query(min(gone))


def test_an_answer_without_all_shards_says_so_in_every_form(copied, capsys):
    shutil.rmtree(copied / "shard-3")
    with Index.open(copied / "shard-2") as shard:
        words = ["query", str(copied / "shards.toml"), shard.names[0], "--quiet"]
    assert main([*words, "--json", "--report", str(copied / "page.html")]) == 0
    out, err = capsys.readouterr()
    assert "1 of 4 shards is away" in json.loads(out)[0]["lacking"]
    assert "1 of 4 shards is away" in err
    assert "1 of 4 shards is away" in (copied / "page.html").read_text()


def test_without_any_shard_there_is_no_answer(one, copied):
    picture = one.read("p0/0.dcm")
    for number in range(4):
        shutil.rmtree(copied / f"shard-{number}")
    with (
        ShardedIndex.open(copied / "shards.toml") as index,
        pytest.raises(IndexFolderError, match="no shard answers"),
    ):
        index.query(picture)


def test_a_shard_that_comes_back_is_asked_again(one, copied, monkeypatch):
    with Index.open(copied / "shard-0") as shard:
        asked = shard.names[0]
    (copied / "shard-1").rename(copied / "moved")
    now = [0.0]
    with ShardedIndex.open(copied / "shards.toml") as index:
        monkeypatch.setattr(index._fleet, "_clock", lambda: now[0])
        assert len(index.query(asked, by=["thumbnail"], k=99)) < len(one)
        (copied / "moved").rename(copied / "shard-1")
        now[0] = 31.0
        expected = one.query(asked, by=["thumbnail"], k=99)
        assert index.query(asked, by=["thumbnail"], k=99) == expected


@pytest.mark.parametrize(
    ("pairs", "problem"),
    [
        ([('split = "', 'split = "0')], "is not the head of these shards"),
        ([("images = ", "images = 1")], "images is not what the head says"),
        ([("commit = ", "commit = 1")], "has changed since it was made"),
        ([('"shard-0"', '"shard-1"')], "is not the shard that is asked"),
        ([('at = ["shard-0"]', "at = []")], "at of shard 0 is missing or wrong"),
        ([("timeout = 120.0", "timeout = -1")], "timeout is missing or wrong; give seconds above 0"),
        ([('"shard-0"', '"ftp://node"')], "is no address; write http://host:port"),
        ([('"shard-0"', '"http://node:84l7"')], "http://node:84l7: is no address; write http://host:port"),
        ([('"shard-0"', '"http://node:84170"')], "is no address; write http://host:port"),
        ([('"shard-0"', '"http://[node"')], "is no address; write http://host:port"),
        ([('"shard-0"', '"http://node 1:8417"')], "is no address; write http://host:port"),
        ([('"shard-0"', '"http://me:secret@node:8417"')], "^node:8417: is no address"),
        ([('"shard-0"', '"http://:8417"')], "is no address; write http://host:port"),
        ([("[[shard]]", "[[shard")], "is no list of shards"),
    ],
)
def test_a_plan_that_is_wrong_is_refused_and_never_answered_by(copied, pairs, problem):
    plan = change(copied / "shards.toml", *pairs)
    with pytest.raises(IndexFolderError, match=problem), ShardedIndex.open(plan) as index:
        index.query(index.names[-1], by=["thumbnail"])


class Hanging:
    """A copy of a shard that says nothing until it is released, and then that it is away."""

    name = "hanging"

    def __init__(self, released, asked):
        self.released, self.asked = released, asked

    def ask(self, message, timeout):
        from scale.shards.places import AwayError

        self.asked.append(message)
        self.released.wait(60)
        raise AwayError("too late")

    def close(self):
        pass


def test_a_slow_copy_does_not_delay_the_answer_of_another(four):
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    released, n = Event(), four._fleet.plan.shards[0].images
    fleet = four._fleet
    fleet._places[0] = [Hanging(released, []), fleet._places[0][0]]
    asked = Message({"ask": "ids", "by": "thumbnail"})
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(fleet.ask, {0: asked}).result(15)[0]
    released.set()
    assert len(found.array("ids")) == n


def test_a_copy_that_hangs_takes_no_threads_from_others(four):
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    released, asked = Event(), []
    fleet = four._fleet
    fleet._places[0] = [Hanging(released, asked), fleet._places[0][0]]
    message = Message({"ask": "ids", "by": "thumbnail"})
    with ThreadPoolExecutor(1) as pool:
        try:
            # More often than there are threads.
            for _ in range(12):
                assert pool.submit(fleet.ask, {0: message}).result(20)
        finally:
            released.set()
    assert len(asked) <= 2


def test_a_folder_that_is_closed_while_it_answers_closes_afterwards(copied, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    from scale.shards import places

    begun, released, closed = Event(), Event(), []

    def slow(index, message):
        begun.set()
        released.wait(20)
        assert not closed
        return Message({"n": len(index)})

    monkeypatch.setattr(places, "answer", slow)
    close = Index.close
    monkeypatch.setattr(Index, "close", lambda self: closed.append(1) or close(self))
    place = places.FolderPlace(copied / "shard-0")
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(place.ask, Message(), 1.0)
        begun.wait(20)
        place.close()
        released.set()
        assert found.result(20).number("n") > 0
    assert closed == [1]
    with pytest.raises(places.AwayError, match="is closed"):
        place.ask(Message(), 1.0)


def test_a_copy_that_hangs_is_away_after_the_time_out(copied):
    import socket

    change(copied / "shards.toml", ("timeout = 120.0", "timeout = 5.0"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        change(copied / "shards.toml", ('"shard-0"', f'"http://127.0.0.1:{port}"'))
        with Index.open(copied / "shard-3") as shard, ShardedIndex.open(copied / "shards.toml") as index:
            assert index.query(shard.names[0])
            assert "no answer within 5 s" in index.lacking


def test_messages_that_are_none_are_refused(four):
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("about.npy", bytes(10_000_000))
    pickled = BytesIO()
    np.savez(pickled, about=np.array([{}], dtype=object))
    for body in (b"", b"PK", packed.getvalue(), pickled.getvalue(), Message().pack()[:-30]):
        with pytest.raises(MessageError):
            Message.unpack(body)
    for about in ({"ask": "what"}, {"ask": "rank", "by": "sift"}):
        with pytest.raises(IndexFolderError, match=r"no question is called|lacks vector"):
            four._fleet.ask({0: Message(about)})
    with pytest.raises(SettingError, match="no representation 'nothing'"):
        four.query(four.names[0], by=["nothing"])


def test_the_command_splits_and_asks(whole, tmp_path, capsys):
    assert (
        main(["shard", str(whole / "whole.index"), "--into", "2", "-o", str(tmp_path / "two"), "--quiet"])
        == 0
    )
    assert "shard-1: " in capsys.readouterr().out
    for place in (whole / "whole.index", tmp_path / "two" / "shards.toml"):
        assert main(["query", str(place), "p2/1.dcm", "--json", "--quiet", "--findings"]) == 0
    first, second = capsys.readouterr().out.split("]\n[")
    assert json.loads(first + "]") == json.loads("[" + second)
    assert main(["shard", str(whole / "whole.index"), "--into", "2", "-o", str(tmp_path / "two")]) == 1
    assert "give an empty or a new folder" in capsys.readouterr().err
    assert main(["shard", str(whole / "whole.index"), "--into", "1", "-o", str(tmp_path / "three")]) == 2
    assert "--into: 1 makes no shards; give 2 to 1,000" in capsys.readouterr().err
    assert main(["shard", str(whole / "whole.index"), "--into", "49", "-o", str(tmp_path / "three")]) == 2
    assert "--into: 49 is more than the 48 images of the index; give fewer" in capsys.readouterr().err


def test_shards_without_images_are_named_as_needless(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "scale.shards.split.owners_of", lambda snapshot, n: np.zeros(len(snapshot), np.uint16)
    )
    assert main(["shard", str(whole / "whole.index"), "--into", "2", "-o", str(tmp_path / "two")]) == 0
    assert "1 of 2 shards holds no image, as what belongs to one patient" in capsys.readouterr().err


def test_a_shard_that_goes_away_under_many_clients_makes_no_answer_wrong(one, copied):
    from concurrent.futures import ThreadPoolExecutor

    with Index.open(copied / "shard-2") as lost:
        gone = set(lost.names)
    rest = [name for name in one.names if name not in gone]
    asked = {"by": ["thumbnail"], "k": 99}
    whole = {name: one.query(name, **asked) for name in rest[:20]}
    without = {name: one.query(name, among=rest, **asked) for name in rest[:20]}
    with ShardedIndex.open(copied / "shards.toml") as index, ThreadPoolExecutor(20) as clients:

        def ask(name):
            found = [(index.query(name, **asked), index.lacking) for _ in range(4)]
            return name, found

        answers = [clients.submit(ask, name) for name in rest[:20]]
        (copied / "shard-2").rename(copied / "moved")
        for name, found in (answer.result(60) for answer in answers):
            for hits, lacking in found:
                assert hits == (without if lacking else whole)[name]
        assert "1 of 4 shards is away" in ask(rest[0])[1][-1][1]


@pytest.mark.parametrize("step", ["open", "answer"])
def test_a_folder_that_goes_while_it_is_asked_is_away(copied, monkeypatch, step):
    place = FolderPlace(copied / "shard-2")

    def gone(*about):
        (copied / "shard-2").rename(copied / "moved")
        raise IndexFolderError("no such folder of arrays")

    if step == "open":
        monkeypatch.setattr(places, "Index", SimpleNamespace(open=gone))
    else:
        monkeypatch.setattr(places, "answer", gone)
    with pytest.raises(AwayError, match="no such folder"):
        place.ask(Message({"ask": "names"}), 10)
    place.close()


@pytest.mark.parametrize("seeds", [range(50), pytest.param(range(50, 1000), marks=pytest.mark.soak)], ids=len)
def test_random_queries_find_the_same(one, four, seeds):
    for seed in seeds:
        name, options = one.names[seed % len(one)], at_random(seed)
        assert four.query(name, **options) == one.query(name, **options)
        # Findings count labels over all cases, for which no region is needed.
        if seed % 5 == 0 and "region" not in options:
            asked = {key: value for key, value in options.items() if key in ("by", "where", "fusion")}
            assert four.find_labels(name, k=5, **asked) == one.find_labels(name, k=5, **asked)


def test_a_learnt_metric_answers_in_shards_as_in_one_index(whole, tmp_path):
    pytest.importorskip("sklearn")
    place = shutil.copytree(whole / "whole.index", tmp_path / "whole.index")
    with IndexWriter.open(place) as index:
        index.learn_metric(MetricOptions("sift"))
    split(place, 3, tmp_path / "split", lambda *about: None)
    with Index.open(place) as one, ShardedIndex.open(tmp_path / "split" / "shards.toml") as three:
        assert "sift+nca" in one.representations
        for options in ({"by": ["sift+nca"]}, {"by": ["sift+nca", "thumbnail"], "not_same": "patient"}):
            assert three.query(one.names[5], **options) == one.query(one.names[5], **options)


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "PLAN"],
        ["compact", "PLAN"],
        ["repair", "PLAN"],
        ["remove", "PLAN", "p0/0.dcm"],
        ["shard", "PLAN", "--into", "2", "-o", "NEW"],
        ["learn-metric", "PLAN"],
        ["learn-fusion", "PLAN", "--by", "sift", "--by", "thumbnail"],
        ["index", "SCANS", "-o", "PLAN"],
    ],
    ids=lambda words: words[0],
)
def test_what_checks_or_changes_an_index_refuses_shards_and_says_what_to_do(whole, tmp_path, capsys, words):
    places = {"PLAN": whole / "split" / "shards.toml", "NEW": tmp_path / "new", "SCANS": whole}
    before = places["PLAN"].read_bytes()
    assert main([str(places.get(word, word)) for word in words]) in (1, 2)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "change the whole index, then `semblance shard` it again" in said
    assert places["PLAN"].read_bytes() == before


def printed(capsys, *words):
    """Return what a command prints, and what it says besides."""
    assert main([*map(str, words), "--quiet"]) == 0
    return capsys.readouterr()


def test_measures_of_shards_are_those_of_one_index(whole, capsys):
    words = ("--json", "--seed", "1", "--blind", "2")
    (first, second) = (
        printed(capsys, "evaluate", place, *words)
        for place in (whole / "whole.index", whole / "split" / "shards.toml")
    )
    assert first == second


def test_near_duplicates_maps_and_vectors_of_shards_are_those_of_one_index(whole, tmp_path, capsys):
    found = []
    for place in (whole / "whole.index", whole / "split" / "shards.toml"):
        file, page = tmp_path / "vectors.npz", tmp_path / "map.html"
        assert main(["export", str(place), "--npz", str(file), "--by", "sift"]) == 0
        printed(capsys, "map", place, "-o", page, "--method", "pca")
        duplicates = printed(capsys, "duplicates", place, "--csv")
        with np.load(file) as arrays:
            spots = page.read_text().partition("id=data>")[2].partition("</script>")[0]
            found.append(({name: arrays[name].tolist() for name in arrays.files}, spots, duplicates))
    assert found[0] == found[1]
    assert len(found[0][1]) > 1000 and found[0][2].out.count("\n") > 2


def test_who_goes_through_all_images_asks_each_shard_for_many_at_once(one, four, monkeypatch):
    fleet, asked = four._fleet, []
    ask = fleet.ask
    monkeypatch.setattr(fleet, "ask", lambda messages: asked.append(len(messages)) or ask(messages))
    assert [four.vector(name, "sift").values.tolist() for name in four.names] == [
        one.vector(name, "sift").values.tolist() for name in one.names
    ]
    assert len(asked) == 2
    assert four.thumbnail(four.names[30]) == one.thumbnail(one.names[30])
    assert asked[2:] == [1]


@pytest.mark.parametrize("command", ["evaluate", "export", "duplicates"])
def test_what_is_meant_for_all_images_is_refused_while_a_shard_is_away(copied, tmp_path, capsys, command):
    shutil.rmtree(copied / "shard-2")
    words = ["--npz", str(tmp_path / "vectors.npz")] if command == "export" else ["--quiet"]
    assert main([command, str(copied / "shards.toml"), *words]) == 1
    out, err = capsys.readouterr()
    assert "shard 2 (" in err and "is away, and this needs every shard; start it" in err
    assert not out and not (tmp_path / "vectors.npz").exists()


def test_concepts_of_the_index_move_queries_over_shards_too(whole, tmp_path):
    place = shutil.copytree(whole / "whole.index", tmp_path / "whole.index")
    with Index.open(place) as one:
        like, unlike = ([Example(f"p{i}/1.dcm") for i in some] for some in (range(6), range(6, 12)))
        one.learn_concept("odd", like, unlike, ["thumbnail"])
        split(place, 2, tmp_path / "split", lambda *about: None)
        with ShardedIndex.open(tmp_path / "split" / "shards.toml") as two:
            assert list(two.concepts) == ["odd"]
            asked = {"concept": ["odd"], "by": ["thumbnail"]}
            moved = two.query("p5/2.dcm", **asked)
            assert moved == one.query("p5/2.dcm", **asked)
            assert moved != two.query("p5/2.dcm", by=["thumbnail"])


def test_a_shard_is_not_split_again(whole, tmp_path):
    shard = whole / "split" / "shard-0"
    with pytest.raises(IndexFolderError, match=f"^{shard}: is a shard, and is not changed"):
        split(shard, 2, tmp_path / "again", lambda *about: None)
    assert not (tmp_path / "again").exists()


def test_a_full_disk_and_a_folder_that_cannot_be_made_are_said(whole, tmp_path, monkeypatch, capsys):
    words = ["shard", str(whole / "whole.index"), "--into", "2", "-o"]
    assert main([*words, "/proc/none/split"]) == 1
    assert "/proc/none: No such file or directory" in capsys.readouterr().err
    copyfile = shutil.copyfile

    def full(source, target):
        if target.suffix == ".npy":
            raise OSError(errno.ENOSPC, "No space left on device", str(source))
        return copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", full)
    assert main([*words, str(tmp_path / "split")]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"{tmp_path / 'split' / 'shard-0' / 'models'}" in said
    assert said.endswith("no space is left on the disk; free some space and run the same command again")
    assert not (tmp_path / "split").exists()


@pytest.mark.parametrize("was_there", [False, True])
@pytest.mark.parametrize("last", [1, 2, 3])
def test_nothing_stays_of_a_split_that_is_interrupted(whole, tmp_path, was_there, last):
    def interrupt(stage, done, total):
        if done == last:
            raise KeyboardInterrupt

    place = shutil.copytree(whole / "whole.index", tmp_path / "whole.index")
    with Index.open(place) as index:
        index.learn_concept("odd", [Example("p1/1.dcm")] * 5, [Example("p2/1.dcm")] * 5, ["thumbnail"])
    if was_there:
        (tmp_path / "split").mkdir()
    with pytest.raises(KeyboardInterrupt):
        split(place, 2, tmp_path / "split", interrupt)
    assert (tmp_path / "split").exists() == was_there
    assert split(place, 2, tmp_path / "split", lambda *about: None).path.exists()


def test_a_folder_whose_name_ends_like_a_list_of_shards_is_an_index(whole, tmp_path, capsys):
    place = shutil.copytree(whole / "whole.index", tmp_path / "scans.toml")
    assert main(["query", str(place), "p1/1.dcm", "--by", "thumbnail", "-k", "1"]) == 0
    assert "p1/1.dcm" in capsys.readouterr().out
    assert folder_of(place) == place


def test_shards_of_a_read_only_index_may_be_written_to(whole, tmp_path):
    # Made by whoever may read it, of a folder on a disc or of an archive; removed as any other folder.
    place = tmp_path / "read-only.index"
    shutil.copytree(whole / "whole.index", place)
    folders = [place, *(one for one in place.rglob("*") if one.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        split(place, 2, tmp_path / "two", lambda *_: None)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    made = [one for one in (tmp_path / "two").rglob("*") if one.is_dir()]
    assert made and all(one.stat().st_mode & 0o200 for one in made)


def test_a_host_that_no_name_server_can_be_asked_for_is_away():
    with pytest.raises(AwayError, match="label"):
        ServerPlace("http://a..b:8417", "").ask(Message({"ask": "ids"}), 1.0)
