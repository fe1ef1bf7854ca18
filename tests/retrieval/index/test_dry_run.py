"""The dry run: it says what the same command then does, file by file, and writes nothing."""

import shutil
import sqlite3
from collections import Counter
from contextlib import closing

import cv2
import numpy as np
import pytest

from bovw import sift
from cli.main import main
from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.errors import OptionError, SettingError
from retrieval.index.order import Order, dry_run
from retrieval.index.update.workers import SerialExecutor
from retrieval.index.writer import IndexWriter, MetricOptions
from retrieval.metadata.label_table import LabelRow, LabelTable
from retrieval.metric_learning import MetricLearner
from retrieval.readers.archive import Address

SETTINGS = {"words": 8, "points": 30}


class Counted(SerialExecutor):
    """An executor that counts the files of each step."""

    def __init__(self):
        self.done = Counter()

    def run(self, setup, tasks):
        names = {spec.id: spec.name for spec in setup.specs}

        def counted():
            for task in tasks:
                step = "learn" if task.sample else "encode"
                self.done.update(f"{step} {names[id]}" for id in task.encode or names)
                yield task

        yield from super().run(setup, counted())


def write(folder, number, seed=None):
    """Write an image."""
    folder.mkdir(exist_ok=True)
    pixels = np.random.default_rng(number if seed is None else seed).integers(0, 255, (48, 48, 3))
    cv2.imwrite(str(folder / f"{number}.png"), cv2.GaussianBlur(pixels.astype(np.uint8), (0, 0), 2))


@pytest.fixture
def scans(tmp_path, quick):
    """Write ten images."""
    for number in range(10):
        write(tmp_path / "scans", number)
    return tmp_path / "scans"


def indexed(place, scans, *representations, refit=False):
    """Bring an index up to date, and return how many files each step took."""
    executor = Counted()
    opened = IndexWriter.open(place) if place.exists() else IndexWriter.create(place)
    with opened as index:
        for one in representations:
            index.add_representation(one)
        index.update([scans], jobs=executor, refit=refit)
    return executor.done


def said(place, scans, **order):
    """Return the files of each step of a dry run."""
    return {step.name: step.files for step in dry_run(Order(place, [scans], **order))}


def test_a_new_index_is_planned_and_not_made(scans, tmp_path):
    assert said(tmp_path / "i", scans, by=["thumbnail", "sift"], settings=SETTINGS) == {
        "read": 10,
        "learn sift": 10,
        "encode thumbnail": 10,
        "encode sift": 10,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["scans"]


def test_each_change_takes_the_steps_that_were_said_and_no_others(scans, tmp_path):
    place = tmp_path / "i"
    words = sift(**SETTINGS)

    def both(*made, refit=False, **order):
        """Return what was said, after what was done has been compared with it."""
        told = said(place, scans, refit=refit, **order)
        done = indexed(place, scans, *made, refit=refit)
        assert done == {name: n for name, n in told.items() if name.startswith(("learn", "encode"))}
        return told

    both(Thumbnail(), words, by=["thumbnail", "sift"], settings=SETTINGS)
    # The second time nothing is read at all.
    assert both() == {}
    # One new setting: only the representation that it is of.
    assert both(ColourHistogram(), by=["colour"]) == {"encode colour": 10}
    # One file each: only that one, by all.
    write(scans, 4, seed=99)
    write(scans, 11)
    (scans / "7.png").unlink()
    told = both()
    assert told == {"read": 2, "forget": 1, "encode thumbnail": 2, "encode sift": 2, "encode colour": 2}
    assert both(refit=True) == {"learn sift": 10, "encode sift": 10}
    assert both() == {}


def test_labels_that_a_table_changes_are_said_with_what_is_learnt_of_them(scans, tmp_path):
    def table(**changed):
        labels = {f"{n}.png": changed.get(f"_{n}", str(n % 2)) for n in range(10)}
        return LabelTable({path: LabelRow((label,), {}, 2) for path, label in labels.items()})

    place = tmp_path / "i"
    indexed(place, scans, Thumbnail())
    assert said(place, scans, labels=table()) == {"label": 10}
    with IndexWriter.open(place) as index:
        index.update([scans], jobs=1, labels=table())
        index.learn_metric(MetricOptions("thumbnail", MetricLearner("lda"), has_trial=False))
    assert said(place, scans, labels=table(), remake=True) == {}
    assert said(place, scans, labels=table(_3="0")) == {"label": 1}
    learn = {"label": 1, "learn thumbnail+lda": 10}
    assert said(place, scans, labels=table(_3="0"), remake=True) == learn


def test_a_dry_run_leaves_every_byte_of_the_index(scans, tmp_path):
    place = tmp_path / "i"
    indexed(place, scans, Thumbnail())
    write(scans, 20)
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert said(place, scans, by=["thumbnail", "colour"])["encode colour"] == 11
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_an_index_inside_its_folder_is_none_of_its_images(scans):
    indexed(scans / "i", scans, Thumbnail())
    assert said(scans / "i", scans) == {}


def test_what_the_command_would_refuse_is_refused(scans, tmp_path):
    with pytest.raises(SettingError, match="no such folder"):
        said(tmp_path / "i", tmp_path / "nothing")
    with pytest.raises(OptionError, match="an archive is not asked"):
        dry_run(Order(tmp_path / "i", [], archives=[Address.parse(f"folder:{scans}")]))


@pytest.mark.parametrize(
    "words",
    [
        ["--window", "lung"],
        ["--names", "hash"],
        ["--thumbnails", "off"],
        ["--um-per-px", "1"],
        ["--by", "sift", "--words", "9"],
        ["--key", "NONE"],
    ],
)
def test_what_an_index_refuses_its_dry_run_refuses_in_its_name(scans, tmp_path, words, capsys, monkeypatch):
    place = tmp_path / "i"
    indexed(place, scans, sift(**SETTINGS))
    if words == ["--key", "NONE"]:
        words = []
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
        monkeypatch.delenv("SEMBLANCE_KEY", raising=False)
    told = []
    for more in ([], ["--dry-run"]):
        capsys.readouterr()
        assert main(["index", str(scans), "-o", str(place), "--jobs", "1", *words, *more]) != 0
        told.append(capsys.readouterr().err)
    assert told[0].startswith(f"semblance: error: {place}: ") and told[1] == told[0]


def test_the_command_says_why(scans, tmp_path, capsys):
    words = ["index", str(scans), "-o", str(tmp_path / "i"), "--by", "thumbnail"]
    assert main([*words, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "read: 10 files, because 10 new",
        "encode thumbnail: 10 files, because 10 to be read",
    ]
    indexed(tmp_path / "i", scans, Thumbnail())
    assert main([*words, "--dry-run"]) == 0
    assert capsys.readouterr().out == "nothing: all is up to date\n"


def test_no_writer_commits_while_the_catalogue_is_copied(scans, tmp_path, monkeypatch):
    indexed(tmp_path / "i", scans, Thumbnail())
    copyfile, refused = shutil.copyfile, []

    def written_to_meanwhile(source, target):
        if source.name == "catalogue.sqlite":
            writer = sqlite3.connect(source, timeout=0)
            with closing(writer), pytest.raises(sqlite3.OperationalError, match="locked"):
                writer.execute("INSERT INTO meta VALUES ('other', '1')")
                writer.commit()
            refused.append(source)
        return copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", written_to_meanwhile)
    assert "read" not in said(tmp_path / "i", scans)
    assert len(refused) == 1
