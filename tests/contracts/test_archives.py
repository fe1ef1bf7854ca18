"""What every archive meets: the same series, images and files, whatever brings them."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from support.archive_files import uid, write_study

from retrieval.errors import ArchiveError, GoneError
from retrieval.index.storage.archived_files import open_archive
from retrieval.readers.archive import ARCHIVES, Address, Archive, SeriesKey
from retrieval.registry import installed, load
from scale.object_store import ObjectStore

FIRST = SeriesKey(uid(1), uid(1, 1))


def write_all(folder: Path) -> Path:
    """Write two studies of CT, one of them with two series, and one of MR."""
    write_study(folder, 1, n=4)
    write_study(folder, 1, n=2, series=2)
    write_study(folder, 2, n=3)
    write_study(folder, 3, n=1, Modality="MR")
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module")
def spool(files, tmp_path_factory):
    """Put the files into a spool, as a receiver does."""
    from pacs.spool import Spool

    made = Spool(tmp_path_factory.mktemp("spool"))
    for path in sorted(files.rglob("*.dcm")):
        header = pydicom.dcmread(path)
        key = SeriesKey(header.StudyInstanceUID, header.SeriesInstanceUID)
        made.add(key, header.SOPInstanceUID, [path.read_bytes()])
    made.settle(0)
    made.close()
    return made.folder


@pytest.fixture(scope="module")
def places(request, files):
    """Return the address of each kind of archive."""

    def place(name):
        if name == "folder":
            return f"folder:{files}"
        if name == "received":
            return f"received:{request.getfixturevalue('spool')}"
        orthanc = request.getfixturevalue("orthanc")
        if not orthanc.rest("patients"):
            orthanc.store(files)
        return orthanc.dicomweb if name == "dicomweb" else f"{name}:ORTHANC@{orthanc.host}:4242"

    return place


# Object stores know keys, and neither series nor DICOM: tests/scale/test_object_store.py.
OF_SERIES = [name for name in installed(ARCHIVES) if load(name, ARCHIVES) is not ObjectStore]


@pytest.fixture(params=OF_SERIES)
def place(request, places):
    return places(request.param)


@pytest.fixture
def archive(place):
    opened = open_archive(Address.parse(place))
    yield opened
    opened.close()


def test_it_is_an_archive(archive):
    assert isinstance(archive, Archive)


def test_it_lists_each_series_once_with_the_number_of_its_images(archive):
    found = list(archive.series())
    assert sorted(one.key for one in found) == [
        (uid(1), uid(1, 1)), (uid(1), uid(1, 2)), (uid(2), uid(2, 1)), (uid(3), uid(3, 1))
    ]  # fmt: skip
    numbers = {one.key.series: one.n_images for one in found}
    assert numbers[uid(1, 1)] in (4, None)
    assert numbers[uid(2, 1)] in (3, None)


@pytest.mark.parametrize(
    ("query", "studies"),
    [
        ("Modality=MR", {3}),
        ("Modality=CT", {1, 2}),
        ("StudyDate=20260102-", {2, 3}),
        ("StudyDate=-20260101", {1}),
        ("StudyDate=20260101-20260102&Modality=CT", {1, 2}),
        ("AccessionNumber=A2", {2}),
        ("Modality=US", set()),
    ],
)
def test_its_filters_are_those_of_a_query(place, query, studies):
    archive = open_archive(Address.parse(f"{place}?{query}"))
    assert {one.key.study for one in archive.series()} == {uid(study) for study in studies}
    archive.close()


def test_it_lists_the_images_of_a_series_in_order(archive):
    assert archive.instances(FIRST) == [uid(1, 1, i) for i in range(4)]


def test_it_writes_the_files_of_a_series_whole(archive, files, tmp_path):
    found = {file.uid: file.path for file in archive.files(FIRST, tmp_path)}
    assert sorted(found) == [uid(1, 1, i) for i in range(4)]
    assert sorted(found.values()) == sorted(tmp_path.iterdir())
    for i in range(4):
        written = pydicom.dcmread(found[uid(1, 1, i)])
        kept = pydicom.dcmread(files / "1-1" / f"{i}.dcm")
        assert written.PixelData == kept.PixelData
        assert written.PatientName == kept.PatientName


def test_it_writes_only_the_files_that_are_wanted(archive, tmp_path):
    wanted = [uid(1, 1, 2), uid(1, 1, 0)]
    assert sorted(file.uid for file in archive.files(FIRST, tmp_path, wanted)) == sorted(wanted)
    assert len(list(tmp_path.iterdir())) == 2


def test_it_says_that_a_series_is_gone(archive, tmp_path):
    absent = SeriesKey(uid(9), uid(9, 1))
    with pytest.raises(GoneError, match=r"not there any more|no such thing"):
        archive.instances(absent)
    with pytest.raises(GoneError, match=r"not there any more|no such thing"):
        list(archive.files(absent, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_it_tells_of_changes_since_a_cursor_or_cannot_tell(archive):
    cursor = archive.changed(None).cursor
    again = archive.changed(cursor)
    assert (again.series is None) == (cursor is None)


def test_one_of_no_known_scheme_is_refused():
    with pytest.raises(ArchiveError, match="no archive is called"):
        open_archive(Address.parse("telepathy:anywhere"))
