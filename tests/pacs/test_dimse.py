"""DIMSE: associations that are refused or aborted, and several at once."""

from __future__ import annotations

import socket
from unittest import mock

import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, HTJ2KLossless, JPEGExtended12Bit, JPEGLosslessSV1
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Get
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as Move
from support.archive_files import CT, uid, write_study

from pacs import association
from pacs.dimse import Dimse
from pacs.move import DimseMove
from retrieval.errors import ArchiveError, SettingError
from retrieval.readers.archive import Address, SeriesKey


@pytest.fixture
def server():
    """Start an archive on loopback that answers as a function does; return its address."""
    running = []

    def start(answer, kind=evt.EVT_C_FIND, model=Find, **settings):
        entity = AE(ae_title="OTHER")
        entity.add_supported_context(model)
        entity.add_supported_context(CT, scu_role=True, scp_role=True)
        entity.add_supported_context("1.2.840.10008.5.1.4.1.1.6", scu_role=True, scp_role=True)
        for name, value in settings.items():
            setattr(entity, name, value)
        server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(kind, answer)])
        running.append(server)
        return Address.parse(f"dimse:OTHER@127.0.0.1:{server.server_address[1]}")

    yield start
    for server in running:
        server.shutdown()


def aborted(event):
    event.assoc.abort()
    yield 0x0000, None


def refused(event):
    yield 0xA900, None


def test_an_aborted_association_is_one_line(server):
    with pytest.raises(ArchiveError, match="the association was aborted"):
        list(Dimse(server(aborted)).series())


def test_a_query_that_is_refused_names_the_status(server):
    with pytest.raises(ArchiveError, match=r"refuses the query .status A900"):
        list(Dimse(server(refused)).series())


def test_a_series_is_asked_for_by_the_uid_of_the_filter(server):
    def found(event):
        asked = event.identifier
        for one in ("1.2.1", "1.2.2"):
            if asked.QueryRetrieveLevel == "STUDY" or asked.SeriesInstanceUID in (one, ""):
                answer = pydicom.Dataset()
                answer.QueryRetrieveLevel, answer.StudyInstanceUID = asked.QueryRetrieveLevel, "1.2"
                answer.SeriesInstanceUID = one
                yield 0xFF00, answer

    address = server(found)
    filtered = Address(address.scheme, address.place, {"SeriesInstanceUID": "1.2.2"})
    assert [series.key for series in Dimse(filtered).series()] == [SeriesKey("1.2", "1.2.2")]
    assert len(list(Dimse(address).series())) == 2


@pytest.mark.parametrize("name", ["Müller*", "Yamada^Tarou=山田^太郎"])
def test_a_name_is_asked_for_in_its_own_letters(server, name):
    asked = []

    def found(event):
        asked.append(event.identifier.PatientName)
        yield 0x0000, None

    address = server(found)
    list(Dimse(Address(address.scheme, address.place, {"PatientName": name})).series())
    assert asked == [name]


def test_an_archive_that_takes_no_more_associations_now_is_asked_again(server, monkeypatch):
    address, pauses = server(refused), []
    monkeypatch.setattr(association, "_PAUSES", (0.0, 0.0))
    monkeypatch.setattr("time.sleep", pauses.append)
    limit = mock.PropertyMock(return_value=0)
    with (
        mock.patch.object(AE, "maximum_associations", limit),
        pytest.raises(ArchiveError, match="takes no more associations now"),
    ):
        list(Dimse(address).series())
    assert pauses.count(0.0) == 2


def test_what_an_archive_does_not_match_by_is_not_taken_for_a_match(server):
    # It finds all series, whatever it is asked, and returns the modality and a part of the body of each.
    def found(event):
        for number, part in enumerate(("HEAD", "CHEST", ""), 1):
            answer = pydicom.Dataset()
            answer.QueryRetrieveLevel, answer.StudyInstanceUID = event.identifier.QueryRetrieveLevel, "1.2"
            answer.SeriesInstanceUID, answer.BodyPartExamined = f"1.2.{number}", part
            answer.StudyDate, answer.SeriesNumber = "20260104", 0
            yield 0xFF01, answer

    address = server(found, maximum_associations=100)

    def series(**filters):
        return [one.key.series for one in Dimse(Address(address.scheme, address.place, filters)).series()]

    assert series(BodyPartExamined="head") == ["1.2.1"]
    assert series(BodyPartExamined="HE*\\CHEST") == ["1.2.1", "1.2.2"]
    assert series(StudyDate="20260101-", BodyPartExamined="*") == ["1.2.1", "1.2.2", "1.2.3"]
    assert series(StudyDate="20260201-") == []
    assert len(series(SeriesNumber="0")) == 3
    with pytest.raises(ArchiveError, match="does not find by Manufacturer; leave that out"):
        series(Manufacturer="Nobody")


def test_a_title_that_is_not_known_there_is_named(server, monkeypatch):
    monkeypatch.setenv(association.TITLE, "STRANGER")
    with pytest.raises(ArchiveError, match="refuses an association with STRANGER"):
        list(Dimse(server(refused, require_calling_aet=["FRIEND"])).series())


def test_nobody_there_is_one_line():
    with pytest.raises(ArchiveError, match=r"no association .Connection refused"):
        list(Dimse(Address.parse("dimse:OTHER@127.0.0.1:9")).series())


@pytest.mark.parametrize("place", ["host:104", "TITLE@host", "A_TITLE_OF_TOO_MANY@host:104"])
def test_a_place_that_is_none_is_refused(place):
    with pytest.raises(SettingError, match="write it as dimse:TITLE@host:104"):
        Dimse(Address.parse(f"dimse:{place}"))


@pytest.mark.parametrize("filter", ["SeriesNumber=1-5", "RequestAttributesSequence=1"])
def test_a_value_that_an_attribute_cannot_have_is_one_line(filter):
    with pytest.raises(SettingError, match=f"{filter.partition('=')[0]}: '.*' cannot be its value"):
        Dimse(Address.parse(f"dimse:OTHER@127.0.0.1:9?{filter}"))


def test_a_keyword_that_dicom_lacks_is_refused():
    with pytest.raises(SettingError, match="Modalty: DICOM has no such attribute"):
        Dimse(Address.parse("dimse:OTHER@127.0.0.1:9?Modalty=CT"))


@pytest.mark.parametrize("kind", [Dimse, DimseMove])
def test_four_associations_bring_each_image_once(orthanc, tmp_path, kind):
    orthanc.store(write_study(tmp_path / "study", 1, n=9))
    (tmp_path / "out").mkdir()
    archive = kind(Address.parse(f"dimse:ORTHANC@{orthanc.host}:4242"), n_associations=4)
    found = [file.uid for file in archive.files(SeriesKey(uid(1), uid(1, 1)), tmp_path / "out")]
    archive.close()
    assert sorted(found) == [uid(1, 1, i) for i in range(9)]
    assert len(list((tmp_path / "out").iterdir())) == 9


def test_what_an_aborted_association_did_not_bring_is_asked_for_again(server, tmp_path):
    images = {pydicom.dcmread(path).SOPInstanceUID: path for path in write_study(tmp_path, 1, n=4).iterdir()}
    wanted: list[int] = []

    def cut_after_one(event):
        uids = event.identifier.SOPInstanceUID
        uids = [uids] if isinstance(uids, str) else list(uids)
        wanted.append(len(uids))
        yield len(uids)
        for one in uids:
            yield 0xFF00, pydicom.dcmread(images[one])
            if len(wanted) == 1:
                event.assoc.abort()
                return

    archive = Dimse(server(cut_after_one, kind=evt.EVT_C_GET, model=Get), n_associations=1)
    (tmp_path / "out").mkdir()
    found = [file.uid for file in archive.files(SeriesKey("1.1", "1.2"), tmp_path / "out", list(images))]
    assert sorted(found) == sorted(images)
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert wanted == [4, 3]


def test_an_image_that_the_archive_cannot_send_costs_no_other(server, tmp_path):
    images = {pydicom.dcmread(path).SOPInstanceUID: path for path in write_study(tmp_path, 1, n=3).iterdir()}
    refused, answers = sorted(images)[1], []

    def sent(event):
        asked = event.identifier.SOPInstanceUID
        uids = [one for one in ([asked] if isinstance(asked, str) else asked) if one != refused]
        yield len(uids) or 1
        if not uids:
            answers.append(0xA702)
            yield 0xA702, None
        for one in uids:
            yield 0xFF00, pydicom.dcmread(images[one])

    archive = Dimse(server(sent, kind=evt.EVT_C_GET, model=Get), n_associations=3)
    (tmp_path / "out").mkdir()
    found = [file.uid for file in archive.files(SeriesKey("1.1", "1.2"), tmp_path / "out", list(images))]
    assert sorted(found) == sorted(set(images) - {refused})
    assert answers == [0xA702] * 3  # it may go better the next time


def test_an_archive_that_transcodes_nothing_sends_images_of_all_syntaxes(tmp_path):
    images = {}
    for number, syntax in enumerate(
        (ExplicitVRLittleEndian, JPEGLosslessSV1, HTJ2KLossless, JPEGExtended12Bit)
    ):
        image = pydicom.dcmread(write_study(tmp_path / str(number), 1, n=1) / "0.dcm")
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = uid(1, 1, number)
        image.file_meta.TransferSyntaxUID = syntax
        if syntax.is_compressed:
            image.PixelData = encapsulate([b"pixels"])
        images[image.SOPInstanceUID] = image

    def found(event):
        for one, image in images.items():
            answer = pydicom.Dataset()
            answer.QueryRetrieveLevel, answer.SOPInstanceUID = "IMAGE", one
            answer.SOPClassUID = image.SOPClassUID
            yield 0xFF00, answer

    def sent(event):
        asked = event.identifier.SOPInstanceUID
        uids = [asked] if isinstance(asked, str) else list(asked)
        yield len(uids)
        for one in uids:
            yield 0xFF00, images[one]

    entity = AE(ae_title="OTHER")
    entity.add_supported_context(Find)
    entity.add_supported_context(Get)
    syntaxes = [image.file_meta.TransferSyntaxUID for image in images.values()]
    entity.add_supported_context(CT, syntaxes, scu_role=True, scp_role=True)
    handlers = [(evt.EVT_C_FIND, found), (evt.EVT_C_GET, sent)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    (tmp_path / "out").mkdir()
    try:
        archive = Dimse(Address.parse(f"dimse:OTHER@127.0.0.1:{server.server_address[1]}"), 1)
        files = list(archive.files(SeriesKey("1.1", "1.2"), tmp_path / "out"))
    finally:
        server.shutdown()
    assert {file.uid: pydicom.dcmread(file.path).file_meta.TransferSyntaxUID for file in files} == {
        one: image.file_meta.TransferSyntaxUID for one, image in images.items()
    }


def test_images_of_a_retired_class_come(server, tmp_path):
    kind = "1.2.840.10008.5.1.4.1.1.6"
    image = pydicom.dcmread(write_study(tmp_path, 1, n=1) / "0.dcm")
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = kind

    def sent(event):
        yield 1
        yield 0xFF00, image

    address, came = server(sent, evt.EVT_C_GET, Get, ae_title="OTHER"), []
    peer = association.Peer("OTHER", "127.0.0.1", int(address.place.rpartition(":")[2]), "archive")
    identifier = pydicom.Dataset()
    identifier.QueryRetrieveLevel = "IMAGE"
    for kinds in ([kind], []):
        peer.get(identifier, lambda uid, content: came.append(uid), kinds)
    assert came == [image.SOPInstanceUID] * 2


def moved(event):
    yield None, None  # the destination is not known


def test_an_archive_that_does_not_know_us_is_told_of_us(server, tmp_path):
    address = server(moved, kind=evt.EVT_C_MOVE, model=Move)
    archive = DimseMove(address)
    with pytest.raises(
        ArchiveError, match=r"knows no SEMBLANCE to send to; tell it our title, host and port"
    ):
        list(archive.files(SeriesKey("1.1", "1.2"), tmp_path, ["1.3"]))
    archive.close()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_an_image_that_nobody_asked_for_is_not_taken(server, tmp_path, monkeypatch):
    port = free_port()
    monkeypatch.setenv("SEMBLANCE_PORT", str(port))
    images = [pydicom.dcmread(path) for path in sorted(write_study(tmp_path, 1, n=2).iterdir())]

    def all_of_them(event):
        contexts = [build_context(CT, ExplicitVRLittleEndian)]
        yield "127.0.0.1", port, {"contexts": contexts}
        yield len(images)
        for image in images:
            yield 0xFF00, image

    archive = DimseMove(server(all_of_them, kind=evt.EVT_C_MOVE, model=Move))
    (tmp_path / "out").mkdir()
    wanted = [uid(1, 1, 1)]
    assert [file.uid for file in archive.files(SeriesKey("1.1", "1.2"), tmp_path / "out", wanted)] == wanted
    assert len(list((tmp_path / "out").iterdir())) == 1
    archive.close()


def test_a_port_that_is_none_is_refused(server, monkeypatch):
    monkeypatch.setenv("SEMBLANCE_PORT", "many")
    with pytest.raises(ArchiveError, match="SEMBLANCE_PORT=many: is no port"):
        DimseMove(server(refused))
