"""Files that take each other's names between two runs: what was removed stays out, whatever it is called."""

import shutil

import numpy as np
import pytest
import tifffile
from support.drawings import draw_grey
from support.indexes import index_thumbnails

from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.picture import Picture
from retrieval.readers import read_pictures

pytestmark = pytest.mark.usefixtures("quick")
N = 6


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(N):
        draw_grey(tmp_path / "images" / f"{number}.png", number)
    return tmp_path / "images"


@pytest.fixture
def index(tmp_path, folder):
    with IndexWriter.open(index_thumbnails(tmp_path / "index", folder)) as index:
        yield index


def turn(folder, order):
    """Let file ``order[n]`` have the name of file n."""
    old = folder.with_name("old")
    folder.rename(old)
    folder.mkdir()
    for number, before in enumerate(order):
        shutil.copy(old / f"{before}.png", folder / f"{number}.png")
    shutil.rmtree(old)


def names(index):
    return sorted(entry.name for entry in index.pictures())


def nearest(index, seed, tmp_path):
    """Return the score of the best hit of an image that is drawn again."""
    path = tmp_path / "again.png"
    draw_grey(path, seed)
    (picture,) = read_pictures(path, "again")
    return index.query(Picture(np.array(picture.pixels), "again"), k=1, by=("thumbnail",))[0].score


def test_a_removed_image_stays_out_when_all_are_numbered_again(index, folder, tmp_path):
    index.remove(["2.png"])
    turn(folder, [5, 0, 1, 2, 3, 4])
    index.update([folder], jobs=1)
    assert names(index) == ["0.png", "1.png", "2.png", "4.png", "5.png"]
    assert nearest(index, 2, tmp_path) < 0.99 < nearest(index, 1, tmp_path)
    # And later, by its new name.
    index.update([folder], jobs=1)
    assert names(index) == ["0.png", "1.png", "2.png", "4.png", "5.png"]
    index.compact()
    assert not index.verify()


def test_two_that_change_names_are_told_apart(index, folder, tmp_path):
    rows = "".join(f"{number}.png,{number}\n" for number in range(N))
    (tmp_path / "labels.csv").write_text(f"path,label\n{rows}")
    index.update([folder], jobs=1, labels=LabelTable.read(tmp_path / "labels.csv"))
    index.remove(["2.png"])
    turn(folder, [0, 1, 3, 2, 4, 5])
    index.update([folder], jobs=1)
    assert names(index) == ["0.png", "1.png", "2.png", "4.png", "5.png"]
    assert nearest(index, 2, tmp_path) < 0.99 < nearest(index, 3, tmp_path)
    assert {entry.name: entry.labels for entry in index.pictures()}["2.png"] in ((), [])


def test_removed_ones_may_take_the_names_of_removed_ones(index, folder, tmp_path):
    index.remove(["2.png", "3.png", "4.png"])
    turn(folder, [0, 1, 3, 2, 5, 4])
    index.update([folder], jobs=1)
    assert names(index) == ["0.png", "1.png", "4.png"]
    turn(folder, [0, 1, 2, 3, 4, 0])
    index.update([folder], jobs=1)
    assert names(index) == ["0.png", "1.png", "4.png", "5.png"]


def test_a_removed_file_that_really_changed_comes_back(index, folder):
    index.remove(["2.png", "3.png"])
    draw_grey(folder / "2.png", 20)
    draw_grey(folder / "1.png", 21)
    index.update([folder], jobs=1)
    assert names(index) == ["0.png", "1.png", "2.png", "4.png", "5.png"]


def _stack(path, seed):
    tifffile.imwrite(
        path, np.random.default_rng(seed).integers(0, 256, (3, 24, 24), np.uint8), photometric="minisblack"
    )


def test_frames_that_were_removed_stay_out_when_files_take_each_others_names(index, folder):
    for seed, name in enumerate("xyz"):
        _stack(folder / f"{name}.tif", seed)
    index.update([folder], jobs=1)
    index.remove(["x.tif#1", "y.tif#2"])
    for old, new in (("x", "tmp"), ("y", "x"), ("z", "y"), ("tmp", "z")):
        (folder / f"{old}.tif").rename(folder / f"{new}.tif")
    index.update([folder], jobs=1)
    kept = ["x.tif#0", "x.tif#1", "y.tif#0", "y.tif#1", "y.tif#2", "z.tif#0", "z.tif#2"]
    assert [name for name in names(index) if ".tif" in name] == kept
    index.update([folder], jobs=1)
    assert [name for name in names(index) if ".tif" in name] == kept
    assert not index.verify()
