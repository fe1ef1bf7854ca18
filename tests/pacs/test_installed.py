"""Facts about archives whose packages are not installed."""

import importlib.util

import pytest

from retrieval.errors import ArchiveError
from retrieval.index.storage.archived_files import open_archive
from retrieval.readers.archive import Address


@pytest.mark.parametrize(
    ("address", "package"),
    [
        ("dimse:PACS@localhost:104", "pynetdicom"),
        ("cmove:PACS@localhost:104", "pynetdicom"),
        ("dicomweb:http://localhost:1/dicom-web", "requests"),
    ],
)
def test_a_missing_package_is_said_with_what_installs_it(address, package, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr("pacs.installed.find_spec", lambda name: None if name == package else find(name))
    with pytest.raises(ArchiveError, match=rf"{address}: needs {package}; pip install 'semblance\[pacs\]'"):
        open_archive(Address.parse(address))
