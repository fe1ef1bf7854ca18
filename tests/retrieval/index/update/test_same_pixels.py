"""A file that changed and whose images did not is not encoded again, and is known by what it says now."""

import os
import shutil
import subprocess
import sys
from collections import Counter

import cv2
import numpy as np
import pydicom
import pytest
import tifffile
from support.dicom_files import texture, write_dicom
from support.flow_images import DIES_AT_A_COMMIT
from support.indexes import catalogue_of

from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.index import Index
from retrieval.index.update import worker_task
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from retrieval.readers.window import Window

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def scans(tmp_path):
    """Write a DICOM file, a PNG, and a TIFF of five frames."""
    folder = tmp_path / "scans"
    folder.mkdir()
    write_dicom(folder / "a.dcm", texture(1, (40, 40)), Modality="CT", PatientID="one", PixelSpacing=[1, 1])
    cv2.imwrite(str(folder / "b.png"), texture(2, (40, 40)))
    write_frames(folder / "c.tif", np.stack([texture(n, (40, 40)) for n in range(5)]))
    return folder


@pytest.fixture
def place(scans, tmp_path):
    with IndexWriter.create(tmp_path / "i", window=Window.parse("0,255")) as index:
        index.add_representation(Thumbnail())
        index.update([scans], jobs=1)
    return tmp_path / "i"


@pytest.fixture
def update(place, scans, monkeypatch):
    """Return what brings the index up to date and returns its report, and how many were encoded and read."""
    counts = Counter()
    encode, read = Thumbnail.encode, worker_task.read_guarded

    def encoded(self, picture, region=None):
        counts["encoded"] += 1
        return encode(self, picture, region)

    def opened(*about, **more):
        counts["read"] += 1
        return read(*about, **more)

    monkeypatch.setattr(Thumbnail, "encode", encoded)
    monkeypatch.setattr(worker_task, "read_guarded", opened)

    def run(**about):
        counts.clear()
        with IndexWriter.open(place) as index:
            report = index.update([scans], jobs=1, **about)
        return report, counts["encoded"], counts["read"]

    return run


def write_frames(path, frames, **about):
    tifffile.imwrite(path, frames, photometric="minisblack", **about)


def change_header(path, **values):
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def state(place):
    """Return vectors, thumbnails and all that is known of the images."""
    with Index.open(place) as index, catalogue_of(place) as catalogue:
        assert index.verify() == []
        rows = catalogue.rows(
            "SELECT name, rows, cols, row_spacing, groups, metadata, burned_in FROM picture ORDER BY name"
        )
        return {n: (index.vector(n, "thumbnail").tolist(), index.thumbnail(n)) for n in index.names}, rows


def numbers(place):
    with catalogue_of(place) as catalogue:
        return dict(catalogue.rows("SELECT name, id FROM picture"))


def fresh(scans, place):
    """Return the state of a new index of the same files, and with the same key."""
    with IndexWriter.create(place, window=Window.parse("0,255")) as index:
        index.add_representation(Thumbnail())
        index.update([scans], jobs=1)
    return state(place)


def test_a_header_that_was_written_anew_is_taken_without_encoding(place, update, scans, tmp_path):
    before, known = numbers(place), state(place)
    change_header(scans / "a.dcm", Modality="MR", PatientID="other", StudyDescription="of another day")
    report, encoded, read = update()
    assert (report.changed, report.pictures, encoded, read) == (1, 0, 0, 1)
    assert numbers(place) == before
    assert state(place)[0] == known[0] and state(place)[1] != known[1]
    assert state(place) == fresh(scans, tmp_path / "fresh")
    with Index.open(place) as index:
        assert index.picture("a.dcm").metadata["modality"] == "MR"
    assert update()[1:] == (0, 0)


def test_labels_go_with_the_file_that_they_were_given_to(place, update, scans, tmp_path):
    (tmp_path / "labels.csv").write_text("path,label\na.dcm,x\nb.png,y\n")
    labels = LabelTable.read(tmp_path / "labels.csv")
    update(labels=labels)
    change_header(scans / "a.dcm", PatientID="other")
    report, encoded, _ = update()
    assert encoded == 0
    assert any("labels of files that have changed" in note and "(1: " in note for note in report.notes)
    with Index.open(place) as index:
        assert (index.picture("a.dcm").labels, index.picture("b.png").labels) == ((), ("y",))


def test_the_same_pixels_in_other_bytes_are_the_same(place, update, scans):
    pixels = cv2.imread(str(scans / "b.png"), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(scans / "b.png"), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    frames = tifffile.imread(scans / "c.tif")
    write_frames(scans / "c.tif", frames, compression="zlib")
    report, encoded, read = update()
    assert (report.changed, report.pictures, encoded, read) == (2, 0, 0, 2)


def test_other_pixels_are_encoded_and_a_file_of_one_image_is_read_once(place, update, scans, tmp_path):
    cv2.imwrite(str(scans / "b.png"), texture(9, (40, 40)))
    report, encoded, read = update()
    assert (report.pictures, encoded, read) == (1, 1, 1)
    frames = tifffile.imread(scans / "c.tif")
    frames[3] = 255 - frames[3]
    write_frames(scans / "c.tif", frames)
    assert update()[1:] == (5, 2)
    write_frames(scans / "c.tif", frames[:4])
    assert update()[1:] == (4, 2)
    write_frames(scans / "c.tif", frames)
    assert update()[1:] == (5, 2)
    assert state(place) == fresh(scans, tmp_path / "fresh")


def test_another_spacing_is_another_image(place, update, scans):
    change_header(scans / "a.dcm", PixelSpacing=[2, 2])
    assert update()[1] == 1


def test_an_index_that_knows_no_hashes_encodes_once_more(place, update, scans):
    with catalogue_of(place, write=True) as catalogue:
        catalogue.run("DROP TABLE pixels")
    change_header(scans / "a.dcm", PatientID="other")
    assert update()[1] == 1
    change_header(scans / "a.dcm", PatientID="one")
    assert update()[1] == 0


def test_what_an_older_version_left_behind_speaks_of_no_image(place, update, scans):
    # It gives the images of a changed file new numbers, and hashes of none.
    with catalogue_of(place, write=True) as catalogue:
        catalogue.run("UPDATE pixels SET picture = picture + 1000")
    change_header(scans / "a.dcm", PatientID="other")
    assert update()[1] == 1
    with IndexWriter.open(place) as index:
        index.compact()
    assert set(hashes(place)) == {numbers(place)["a.dcm"]}


def hashes(place):
    with catalogue_of(place) as catalogue:
        return dict(catalogue.rows("SELECT picture, hash FROM pixels"))


def test_what_was_removed_leaves_no_hash_and_comes_back_with_its_file(place, update, scans):
    with IndexWriter.open(place) as index:
        index.remove(["c.tif#2", "b.png"])
    assert set(hashes(place)) == set(numbers(place).values())
    assert len(numbers(place)) == 5
    frames = tifffile.imread(scans / "c.tif")
    write_frames(scans / "c.tif", frames, compression="zlib")
    assert update()[1] == 5
    assert "c.tif#2" in numbers(place)
    (scans / "c.tif").unlink()
    update()
    assert set(hashes(place)) == set(numbers(place).values())


def test_a_representation_that_lacks_the_file_encodes_it(place, update, scans, tmp_path):
    change_header(scans / "a.dcm", PatientID="other")
    with IndexWriter.open(place) as index:
        index.add_representation(ColourHistogram())
    assert update()[1] == 1
    with Index.open(place) as index:
        assert all(index.vector(name, "colour").any() for name in index.names)
    change_header(scans / "a.dcm", PatientID="one")
    assert update()[1] == 0
    assert state(place) == fresh(scans, tmp_path / "fresh")


def test_many_images_of_a_file_are_compared_by_several_processes_too(scans, tmp_path):
    write_frames(scans / "d.tif", np.stack([texture(n, (24, 24)) for n in range(70)]))
    with IndexWriter.create(tmp_path / "i", window=Window.parse("0,255")) as index:
        index.add_representation(Thumbnail())
        index.update([scans], jobs=2)
        frames = tifffile.imread(scans / "d.tif")
        write_frames(scans / "d.tif", frames, compression="zlib")
        change_header(scans / "a.dcm", PatientID="other")
        report = index.update([scans], jobs=2)
        assert (report.changed, report.pictures, report.skipped) == (2, 0, ())
    assert state(tmp_path / "i") == fresh(scans, tmp_path / "fresh")


WRITER = (
    DIES_AT_A_COMMIT
    + """
from retrieval.index.writer import IndexWriter

with IndexWriter.open(place) as index:
    index.update([scans], jobs=1)
"""
)


@pytest.mark.parametrize("lasts", [(2,), pytest.param((1, 2, 3, 4), marks=pytest.mark.soak)], ids=len)
def test_a_kill_in_between_is_harmless(place, scans, tmp_path, lasts):
    change_header(scans / "a.dcm", Modality="MR")
    os.utime(scans / "b.png", ns=(1, 1))
    wanted = fresh(scans, tmp_path / "fresh")
    for last in lasts:
        copy = shutil.copytree(place, tmp_path / f"killed{last}")
        command = [sys.executable, "-c", WRITER, str(copy), str(scans), str(last)]
        assert subprocess.run(command, check=False).returncode in (9, 0)
        with IndexWriter.open(copy) as index:
            assert index.verify() == []
            assert index.update([scans], jobs=1).pictures == 0
        assert state(copy) == wanted
