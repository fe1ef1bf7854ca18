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
