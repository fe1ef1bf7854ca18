"""Facts about what is what: files that change names, discs that look alike, copies, and folders that move."""

import os
import shutil

import numpy as np
import pytest
from support.indexes import change, counts

from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.errors import PictureError
from retrieval.index.catalogue.contents import BLOCK, contents_of, part_of
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable

pytestmark = pytest.mark.usefixtures("quick")
LONG_AGO = (10**18, 10**18)


def pgm(path, seed, side=24):
    """Write a grey image without compression: all of one side have one size, and here one time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)
    import cv2

    cv2.imwrite(str(path), pixels)
    os.utime(path, ns=LONG_AGO)
    return path


def disc(folder, seed, n=4):
    for i in range(n):
        pgm(folder / f"IM{i}.bmp", 100 * seed + i)
    return folder


def table(tmp_path, n=4, label="tumour"):
    path = tmp_path / f"{label}.csv"
    path.write_text("path,label,patient\n" + "".join(f"IM{i}.bmp,{label},P1\n" for i in range(n)))
    return LabelTable.read(path)


def vectors(index, names):
    return np.array([index.vector(name, "thumbnail") for name in names])


@pytest.fixture
def index(tmp_path):
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        yield index


@pytest.fixture
def mounted(tmp_path, index):
    """The place of a disc that was indexed with labels."""
    place = disc(tmp_path / "media", 1)
    index.update([place], jobs=1, labels=table(tmp_path))
    return place


def labelled(index):
    return {entry.name for entry in index.pictures() if entry.labels}


def first(index, path):
    return index.query(next(index.read_query(path)), k=1)[0].id


def test_files_that_change_places_are_read_again_and_labels_do_not_change_hands(mounted, index):
    for old, new in (("IM0", "x"), ("IM1", "IM0"), ("x", "IM1")):
        (mounted / f"{old}.bmp").rename(mounted / f"{new}.bmp")
    report = index.update([mounted], jobs=1)
    assert counts(report) == (0, 2, 0, 2)
    assert first(index, mounted / "IM0.bmp") == "IM0.bmp"
    assert labelled(index) == {"IM2.bmp", "IM3.bmp"}
    assert any("labels of files" in note and "(2: " in note for note in report.notes)
    assert index.verify() == []


def test_a_folder_all_of_whose_files_change_places_is_the_same_folder(mounted, index):
    for old, new in (("IM0", "x"), ("IM1", "IM0"), ("IM2", "IM1"), ("IM3", "IM2"), ("x", "IM3")):
        (mounted / f"{old}.bmp").rename(mounted / f"{new}.bmp")
    report = index.update([mounted], jobs=1)
    assert counts(report) == (0, 4, 0, 0)
    assert first(index, mounted / "IM0.bmp") == "IM0.bmp" and len(index.names) == 4
    assert not labelled(index)


def test_another_disc_with_one_image_of_the_first_is_another_disc(mounted, index, tmp_path):
    kept = (mounted / "IM0.bmp").read_bytes()
    mounted.rename(tmp_path / "away")
    disc(mounted, 2)
    (mounted / "IM1.bmp").write_bytes(kept)
    os.utime(mounted / "IM1.bmp", ns=LONG_AGO)
    index.update([mounted], jobs=1)
    assert len(index.names) == 8 and len(labelled(index)) == 4


def test_labels_given_again_stand_on_what_the_files_hold_now(mounted, index, tmp_path):
    pgm(mounted / "IM0.bmp", 77)
    report = index.update([mounted], jobs=1, labels=table(tmp_path, label="other"))
    assert counts(report) == (0, 1, 0, 3)
    assert index.picture("IM0.bmp").labels == ("other",)
    assert report.notes == ()


@pytest.mark.parametrize("n", [4, 9])
def test_a_disc_at_another_place_is_another_disc(mounted, index, tmp_path, n):
    mounted.rename(tmp_path / "unmounted")
    second = disc(tmp_path / "second", 2, n)
    assert counts(index.update([second], jobs=1)) == (n, 0, 0, 0)
    assert len(index) == 4 + n
    assert labelled(index) == {f"IM{i}.bmp" for i in range(4)}
    assert first(index, tmp_path / "unmounted" / "IM0.bmp") == "IM0.bmp"


def test_discs_with_the_same_viewer_are_two(index, tmp_path):
    for seed in (1, 2):
        place = disc(tmp_path / f"disc{seed}", seed, 2)
        for i in range(9):
            (place / f"viewer{i}.dll").write_bytes(b"the same on every disc" * 50)
        index.update([place], jobs=1)
        shutil.rmtree(place)
    assert len(index) == 4


def test_another_disc_at_the_same_place_is_another_one_and_the_first_is_known_again(mounted, index, tmp_path):
    before = vectors(index, [f"IM{i}.bmp" for i in range(4)])
    mounted.rename(tmp_path / "first")
    disc(mounted, 2)
    report = index.update([mounted], jobs=1)
    assert counts(report) == (4, 0, 0, 0)
    assert any("taken for another folder or disc" in note for note in report.notes)
    assert labelled(index) == {f"IM{i}.bmp" for i in range(4)}
    # What is at the path of the first is the second's: nothing reads it in the name of the first.
    with pytest.raises(PictureError, match="not there; another one is at"):
        index.read("IM0.bmp")
    assert index.names_at(mounted / "IM0.bmp") == ["media/IM0.bmp"]
    assert index.path_of("IM0.bmp") is None
    mounted.rename(tmp_path / "second")
    (tmp_path / "first").rename(mounted)
    assert counts(index.update([mounted], jobs=1)) == (0, 0, 0, 4)
    assert counts(index.update([tmp_path / "second"], jobs=1)) == (0, 0, 0, 4)
    assert (vectors(index, [f"IM{i}.bmp" for i in range(4)]) == before).all()
    assert index.read("IM0.bmp").shape == (24, 24)


def test_two_folders_that_change_names_keep_their_images(index, tmp_path):
    one, two = disc(tmp_path / "sub-01", 1), disc(tmp_path / "sub-02", 2)
    index.update([one, two], jobs=1, labels=None)
    names = list(index.names)
    before = vectors(index, names)
    one.rename(tmp_path / "x")
    two.rename(one)
    (tmp_path / "x").rename(two)
    report = index.update([one, two], jobs=1)
    assert counts(report) == (0, 0, 0, 8)
    assert report.pictures == 0
    assert (vectors(index, names) == before).all()
    assert index.read("IM0.bmp").id == "IM0.bmp"
    assert first(index, two / "IM0.bmp") == "IM0.bmp"


def test_a_folder_whose_files_all_change_where_they_are_is_the_same_folder(mounted, index):
    for i in range(4):
        pgm(mounted / f"IM{i}.bmp", 50 + i)
        os.utime(mounted / f"IM{i}.bmp")
    report = index.update([mounted], jobs=1)
    assert counts(report) == (0, 4, 0, 0)
    assert labelled(index) == set()
    assert any("labels of files" in note and "(4: " in note for note in report.notes)


@pytest.mark.parametrize("keeps_times", [True, False])
def test_a_copy_at_the_same_place_or_another_is_not_read_again(mounted, index, tmp_path, keeps_times):
    copy = shutil.copy2 if keeps_times else shutil.copy
    shutil.copytree(mounted, tmp_path / "backup", copy_function=copy)
    shutil.rmtree(mounted)
    report = index.update([tmp_path / "backup"], jobs=1)
    assert (counts(report), report.pictures) == ((0, 0, 0, 4), 0)
    shutil.copytree(tmp_path / "backup", mounted, copy_function=copy)
    shutil.rmtree(tmp_path / "backup")
    report = index.update([mounted], jobs=1)
    assert (counts(report), report.pictures) == ((0, 0, 0, 4), 0)
    assert len(labelled(index)) == 4
    # The new inodes and times are noted: from now on no file is opened.
    assert counts(index.update([mounted], jobs=1)) == (0, 0, 0, 4)


def test_a_copy_beside_its_original_is_another_folder(mounted, index, tmp_path):
    shutil.copytree(mounted, tmp_path / "copy")
    assert counts(index.update([tmp_path / "copy"], jobs=1)) == (4, 0, 0, 0)
    assert labelled(index) == {f"IM{i}.bmp" for i in range(4)}


def test_unchanged_files_are_not_opened(mounted, index, monkeypatch):
    def refuse(*_):
        raise AssertionError("a file was read")

    monkeypatch.setattr("retrieval.index.update.recognise.part_of", refuse)
    monkeypatch.setattr("retrieval.index.update.recognise.whole_of", refuse)
    assert counts(index.update([mounted], jobs=1)) == (0, 0, 0, 4)


def test_a_byte_that_changes_between_the_blocks_is_seen(index, tmp_path):
    path = pgm(tmp_path / "images" / "large.bmp", 1, side=700)
    index.update([path.parent], jobs=1)
    data = bytearray(path.read_bytes())
    data[BLOCK + 1000] ^= 255
    path.write_bytes(data)  # with the time of now
    assert counts(index.update([path.parent], jobs=1)) == (0, 1, 0, 0)
    data[BLOCK + 2000] ^= 255
    path.write_bytes(data)
    stat = path.stat()
    # The same size and times, as if the file system had not told: only reading finds it.
    change(
        tmp_path / "index", "UPDATE source SET mtime_ns = ?, ctime_ns = ?", stat.st_mtime_ns, stat.st_ctime_ns
    )
    assert counts(index.update([path.parent], jobs=1)) == (0, 0, 0, 1)
    assert counts(index.update([path.parent], jobs=1, compare_contents=True)) == (0, 1, 0, 0)
    assert counts(index.update([path.parent], jobs=1, compare_contents=True)) == (0, 0, 0, 1)


def test_what_was_removed_stays_away_in_a_copy_and_comes_back_changed(mounted, index, tmp_path):
    index.remove(["IM0.bmp"])
    shutil.copytree(mounted, tmp_path / "backup", copy_function=shutil.copy)
    shutil.rmtree(mounted)
    assert counts(index.update([tmp_path / "backup"], jobs=1)) == (0, 0, 0, 3)
    pgm(tmp_path / "backup" / "IM0.bmp", 9)
    assert counts(index.update([tmp_path / "backup"], jobs=1)) == (0, 1, 0, 3)


def test_labels_that_wait_for_files_of_one_disc_are_not_taken_by_another(mounted, index, tmp_path):
    index.update([mounted], jobs=1, labels=table(tmp_path, n=6))
    second = disc(tmp_path / "second", 2, n=6)
    index.update([second], jobs=1)
    assert labelled(index) == {f"IM{i}.bmp" for i in range(4)}
    disc(mounted, 1, n=6)
    assert counts(index.update([mounted], jobs=1)) == (2, 0, 0, 4)
    assert index.picture("IM5.bmp").labels == ("tumour",)


def test_a_label_table_of_one_disc_does_not_reach_files_of_another(mounted, index, tmp_path):
    second = disc(tmp_path / "second", 2, n=2)
    report = index.update([second], jobs=1, labels=table(tmp_path, label="healthy"))
    assert report.labels.unmatched == ("IM2.bmp", "IM3.bmp")
    assert index.picture("IM2.bmp").labels == ("tumour",)
    assert index.picture("second/IM1.bmp").labels == ("healthy",)


def test_a_label_goes_with_its_file(mounted, index):
    (mounted / "IM0.bmp").unlink()
    index.update([mounted], jobs=1)
    pgm(mounted / "IM0.bmp", 9)
    index.update([mounted], jobs=1)
    assert index.picture("IM0.bmp").labels == ()


def test_a_further_representation_does_not_read_another_disc(mounted, index, tmp_path):
    mounted.rename(tmp_path / "first")
    disc(mounted, 2)
    index.add_representation(ColourHistogram(4))
    report = index.update([], jobs=1)
    assert report.pictures == 0
    assert {reason for _, reason in report.skipped} == {"holds something else than when it was indexed"}


def test_a_file_that_changed_since_is_not_read_in_the_name_of_what_was_indexed(mounted, index):
    pgm(mounted / "IM0.bmp", 9)
    with pytest.raises(PictureError, match="has changed since it was indexed"):
        index.read("IM0.bmp")
    assert index.names_at(mounted / "IM0.bmp") == []
    os.utime(mounted / "IM1.bmp")
    assert index.read("IM1.bmp").id == "IM1.bmp"
    assert index.names_at(mounted / "IM1.bmp") == ["IM1.bmp"]


@pytest.mark.parametrize("size", [0, 1, BLOCK, 2 * BLOCK + 7, 3 * BLOCK, 10 * BLOCK])
def test_hashes_differ_with_the_first_the_middle_and_the_last_byte_and_the_key(tmp_path, size):
    path = tmp_path / "file"
    data = bytearray(np.random.default_rng(size).bytes(size))
    seen = set()
    for at in (None, *({0, size // 2, size - 1} if size else ())):
        changed = data.copy()
        if at is not None:
            changed[at] ^= 1
        path.write_bytes(changed)
        contents = contents_of(path, b"key")
        assert contents.part == part_of(path, b"key")
        seen |= {contents.part, contents.whole, part_of(path, b"other")}
    assert len(seen) == 3 * (1 if size == 0 else 1 + len({0, size // 2, size - 1}))
