"""A folder of DICOM files as an archive."""

from __future__ import annotations

import pydicom
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from support.archive_files import uid, write_study

from pacs.folder import FolderArchive
from pacs.instance_uid import uid_of_file
from retrieval.readers.archive import Address, ArchivedSeries, SeriesKey


def test_files_without_a_preamble_or_a_head_are_of_their_series(tmp_path):
    first, second, third = sorted(write_study(tmp_path, 1, n=3).iterdir())
    (tmp_path / "notes.txt").write_text("no image")
    first.write_bytes(first.read_bytes()[132:])
    bare = DicomBytesIO()
    bare.is_little_endian, bare.is_implicit_VR = True, True
    write_dataset(bare, pydicom.dcmread(second))
    second.write_bytes(bare.getvalue())
    archive, key = (
        FolderArchive(Address.parse(f"folder:{tmp_path}?Modality=CT")),
        SeriesKey(uid(1), uid(1, 1)),
    )
    assert list(archive.series()) == [ArchivedSeries(key, 3)]
    assert archive.instances(key) == [uid(1, 1, n) for n in range(3)]
    assert [uid_of_file(path) for path in (first, second, third)] == archive.instances(key)
    assert uid_of_file(tmp_path / "notes.txt") is None


def test_files_that_no_series_can_name_are_reported(tmp_path):
    paths = sorted(write_study(tmp_path, 1, n=4).iterdir())
    for path, keyword in zip(paths, ("SOPInstanceUID", "StudyInstanceUID"), strict=False):
        header = pydicom.dcmread(path)
        header.Modality = "CT" if keyword == "SOPInstanceUID" else "MR"
        delattr(header, keyword)
        header.save_as(path, enforce_file_format=False)
    paths[2].write_bytes(b"no image")
    (tmp_path / "notes.txt").write_text("no image")
    archive = FolderArchive(Address.parse(f"folder:{tmp_path}"))
    assert [series.n_images for series in archive.series()] == [1]
    named = [str(path.relative_to(tmp_path)) for path in paths]
    lacks = "its DICOM header lacks {}, without which no archive holds it"
    assert archive.left_out() == [
        (named[0], lacks.format("SOPInstanceUID")),
        (named[1], lacks.format("StudyInstanceUID")),
        (named[2], "the content is not that of a DICOM file"),
    ]
    meant = FolderArchive(Address.parse(f"folder:{tmp_path}?Modality=MR"))
    assert not list(meant.series()) and [name for name, _ in meant.left_out()] == named[1:3]
