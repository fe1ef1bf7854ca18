"""Facts about repairs: what is mended, made again, kept, lost, and that a kill makes nothing worse."""

import shutil

import pytest
from faults.flips import flip
from support.drawings import draw_numbered
from support.indexes import answers

from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.errors import IndexFolderError
from retrieval.index import Index
from retrieval.index.catalogue.connection import FILE
from retrieval.index.catalogue.page_sums import NAMES
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def folder(tmp_path):
    return draw_numbered(tmp_path / "images", 12)


@pytest.fixture
def factories(kinds):
    return {"mean": kinds.Mean, "words": kinds.Words}


@pytest.fixture
def place(tmp_path, folder, factories, kinds):
    (tmp_path / "l.csv").write_text("path,label\n" + "".join(f"{i}.png,x{i}\n" for i in range(12)))
    with IndexWriter.create(tmp_path / "index", factories=factories) as index:
        for representation in (Thumbnail(), kinds.Mean(), kinds.Words()):
            index.add_representation(representation)
        index.update([folder], jobs=1, labels=LabelTable.read(tmp_path / "l.csv"), commit_every=4)
        index.remove(["11.png"])
    return tmp_path / "index"


def state(place, factories):
    with Index.open(place, factories=factories) as index:
        assert index.verify() == []
        found = [answers(index, by=[by]) for by in index.representations]
        entries = [(entry.name, entry.labels) for entry in index.pictures()]
        return found, entries, [index.thumbnail(name) for name in index.names]


def repair(place, factories):
    return IndexWriter.repair(place, jobs=1, factories=factories)


def segment_files(place, factories, by, name="*.npy"):
    with Index.open(place, factories=factories) as index:
        number = None if by is None else index._latest.now.stored[by].id
        own = [s for s in index._latest.now._segments if s.representation == number]
    return [path for s in own for path in sorted((place / "segments" / s.folder).rglob(name))]


def test_nothing_is_done_to_a_whole_index(place, factories):
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*.npy")}
    report = repair(place, factories)
    assert (report.mended, report.lost, report.left) == ((), (), ())
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*.npy")} == before


@pytest.mark.parametrize("byte", [0, 17, 30, 63, 71, 5000, -1])
def test_a_page_of_the_catalogue_is_mended_to_the_last_bit(place, factories, byte):
    saved = (place / FILE).read_bytes()
    before = state(place, factories)
    flip(place / FILE, byte % len(saved), 0)
    with pytest.raises(IndexFolderError, match=r"semblance repair|not a database|malformed|is not an index"):
        Index.open(place, factories=factories)
    (line,) = repair(place, factories).mended
    assert "catalogue: page" in line
    assert state(place, factories) == before


def test_neighbouring_pages_are_mended_together(place, factories):
    before = state(place, factories)
    n_stripes = -(-((place / FILE).stat().st_size // 4096) // 16)
    for page in range(n_stripes):
        flip(place / FILE, (7 + page) * 4096 + 100, 1)
    assert len(repair(place, factories).mended) == n_stripes
    assert state(place, factories) == before


def test_more_damage_than_can_be_mended_is_said_and_nothing_is_changed(place, factories):
    for page in range(1, 20):
        flip(place / FILE, page * 4096 + 100, 1)
    damaged = (place / FILE).read_bytes()
    with pytest.raises(IndexFolderError, match="more of the catalogue is damaged than can be mended"):
        repair(place, factories)
    assert (place / FILE).read_bytes() == damaged


@pytest.mark.parametrize("byte", [9, 40, -1])
def test_damaged_checksums_of_the_catalogue_are_written_anew(place, factories, byte):
    before = state(place, factories)
    for name in NAMES:
        flip(place / name, byte % (place / name).stat().st_size, 0)
    assert repair(place, factories).mended == (
        "catalogue: its checksums were damaged or missing, and are written anew",
    )
    assert state(place, factories) == before


def test_missing_checksums_of_the_catalogue_are_written_anew(place, factories):
    before = state(place, factories)
    for name in NAMES:
        (place / name).unlink()
    with pytest.raises(IndexFolderError, match="has lost its checksums"):
        Index.open(place, factories=factories)
    assert len(repair(place, factories).mended) == 1
    assert state(place, factories) == before


@pytest.mark.parametrize("by", ["thumbnail", "mean", "words", None])
def test_damaged_segments_are_made_again_from_the_files(place, factories, by):
    before = state(place, factories)
    for path in segment_files(place, factories, by)[::2]:
        flip(path, path.stat().st_size - 1, 4)
    report = repair(place, factories)
    assert report.mended and not any("semblance repair" in line for line in report.mended)
    assert (report.lost, report.left) == ((), ())
    assert state(place, factories) == before


def test_missing_segments_are_made_again(place, factories):
    before = state(place, factories)
    shutil.rmtree(place / "segments")
    assert repair(place, factories).left == ()
    assert state(place, factories) == before


def test_what_was_learnt_is_learnt_again(place, factories):
    before = state(place, factories)
    (path,) = (place / "models").rglob("mean.npy")
    flip(path, path.stat().st_size - 2, 4)
    report = repair(place, factories)
    assert any("it learns again" in line for line in report.mended)
    found = state(place, factories)
    # An image was removed since it learnt, so that it learns another mean; the others are as they were.
    assert (found[0][0], found[0][2], *found[1:]) == (before[0][0], before[0][2], *before[1:])
    assert [name for name, _ in found[0][1]] != []


def test_without_the_files_what_is_sound_is_kept_and_the_rest_is_said_to_be_lost(place, factories, folder):
    with Index.open(place, factories=factories) as index:
        before = {name: index.vector(name, "thumbnail").tolist() for name in index.names}
    (path, *_) = segment_files(place, factories, "thumbnail", "lengths.npy")
    flip(path, path.stat().st_size - 1, 4)
    folder.rename(folder.parent / "elsewhere")
    report = repair(place, factories)
    assert any("images are lost, and their files are not there" in line for line in report.lost)
    with Index.open(place, factories=factories) as index:
        assert len(index.query("0.png", by=["words"], k=99)) == 11
        assert 7 <= len(index.query("9.png", by=["thumbnail"], k=99)) < 11  # all but those of one segment
    (folder.parent / "elsewhere").rename(folder)
    assert repair(place, factories).left == ()
    with Index.open(place, factories=factories) as index:
        assert {name: index.vector(name, "thumbnail").tolist() for name in index.names} == before


def test_checksums_of_segments_alone_are_written_anew(place, factories):
    paths = [
        path
        for path in segment_files(place, factories, "words", "checksums")
        if path.parent.name != "evidence"
    ]
    arrays = {path: path.read_bytes() for path in place.rglob("*.npy")}
    for path in paths:
        flip(path, 10, 1)
    assert len(repair(place, factories).mended) == len(paths)
    assert {path: path.read_bytes() for path in place.rglob("*.npy")} == arrays
    state(place, factories)


def test_a_folder_that_is_not_there_is_said_and_not_made(tmp_path):
    with pytest.raises(IndexFolderError, match="is not there"):
        IndexWriter.repair(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_command_says_what_became_of_it(place, folder, capsys):
    from cli.main import main

    shutil.rmtree(place)
    with IndexWriter.create(place) as index:
        index.add_representation(ColourHistogram(4))
        index.update([folder], jobs=1)
    assert main(["repair", str(place), "--jobs", "1", "--quiet"]) == 0
    assert capsys.readouterr().out == f"{place}: nothing is damaged\n"
    flip(place / FILE, 5000, 2)
    assert main(["verify", str(place)]) == 1
    assert "the catalogue is damaged (page 2 of" in capsys.readouterr().err
    assert main(["repair", str(place), "--jobs", "1", "--quiet"]) == 0
    assert "page 2 (bytes 4,096 to 8,192) was damaged, and is mended" in capsys.readouterr().out
