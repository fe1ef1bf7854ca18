"""Associations that end, or are refused, before anything is asked: one line, and nobody waits for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pydicom
import pytest
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Get
from support.archive_files import CT

from pacs.dimse import Dimse
from retrieval.errors import ArchiveError, SettingError
from retrieval.readers.archive import Address, SeriesKey

pytestmark = pytest.mark.filterwarnings("ignore")
SERIES = SeriesKey("1.2", "1.2.1")
PATIENCE = 30


def found(event):
    match = pydicom.Dataset()
    match.QueryRetrieveLevel, match.StudyInstanceUID, match.SeriesInstanceUID = "IMAGE", *SERIES
    match.SOPInstanceUID, match.SOPClassUID = "1.2.1.1", CT
    yield 0xFF00, match


@pytest.fixture
def archive():
    """Start an archive of some services that finds one image; return what asks it."""
    running = []

    def start(*models):
        entity = AE(ae_title="OTHER")
        for model in models:
            entity.add_supported_context(model)
        entity.add_supported_context(CT, scu_role=True, scp_role=True)
        handlers = [(evt.EVT_C_FIND, found)]
        running.append(entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers))
        return Dimse(Address.parse(f"dimse:OTHER@127.0.0.1:{running[-1].server_address[1]}"))

    yield start
    for server in running:
        server.shutdown()


def fetched(archive, folder):
    """Fetch a series, and fail if that does not end."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(lambda: list(archive.files(SERIES, folder))).result(PATIENCE)
    finally:
        pool.shutdown(wait=False)


def test_an_archive_without_c_get_is_one_line(archive, tmp_path):
    with pytest.raises(ArchiveError, match="offers no C-GET; write it as cmove:"):
        fetched(archive(Find), tmp_path)


def test_an_association_that_ends_before_anything_is_asked_is_one_line(archive, tmp_path, monkeypatch):
    asked = archive(Find, Get)

    def ended(link):
        link.abort()
        return link

    monkeypatch.setattr("pacs.association.leave_answers", ended)
    with pytest.raises(ArchiveError, match="the association was aborted"):
        list(asked.series())
    monkeypatch.setattr(asked, "_images", lambda series: {"1.2.1.1": CT})
    with pytest.raises(ArchiveError, match="the association was aborted"):
        fetched(asked, tmp_path)


def test_whatever_fails_in_a_thread_ends_the_wait_for_it(archive, tmp_path, monkeypatch):
    def failed(*about, **more):
        raise ZeroDivisionError

    asked = archive(Find)
    monkeypatch.setattr(asked, "_transfer", failed)
    with pytest.raises(ZeroDivisionError):
        fetched(asked, tmp_path)


@pytest.mark.parametrize("title", ["", "  ", "HÔPITAL", "A\\B"])
def test_a_title_of_ours_that_is_none_is_one_line(archive, monkeypatch, title):
    monkeypatch.setenv("SEMBLANCE_AET", title)
    with pytest.raises(SettingError, match=r"SEMBLANCE_AET: .* is no title of an application"):
        list(archive(Find).series())


def test_an_answer_that_cannot_be_read_is_not_passed_over(archive, monkeypatch):
    # A sequence that ends within its first item.
    damaged = b"\x08\x00\x11\x11\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff\x08\x00\x52\x00"
    monkeypatch.setattr("pynetdicom.service_class.encode", lambda *about: damaged)
    with pytest.raises(ArchiveError, match="answers with a match that cannot be read"):
        list(archive(Find).series())
