"""The receiver: what it acknowledges, what it refuses, and that nothing is half."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor

import pydicom
import pytest
from support.archive_files import uid, write_study
from support.storing import LOST, association, store, store_all

from pacs.received import Received
from pacs.receiver import Listening, Receiver, into
from pacs.spool import INCOMING, Spool
from retrieval.errors import ArchiveError, SettingError
from retrieval.readers.archive import Address, SeriesKey

pytestmark = pytest.mark.filterwarnings("ignore")
FIRST = SeriesKey(uid(1), uid(1, 1))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"), 1, n=6)


@pytest.fixture
def spool(tmp_path):
    made = Spool(tmp_path / "spool")
    yield made
    made.close()


@pytest.fixture
def listen(spool):
    """Start a receiver, and return its port."""
    running = []

    def start(keep=None, **where):
        running.append(Receiver(Listening(0, **where), keep or into(spool)))
        return running[-1].port

    yield start
    for receiver in running:
        receiver.close()


def names(spool):
    return sorted(path.stem for path in spool.folder.rglob("*.dcm"))


def cut_in_the_middle(link):
    """End the connection within the next data set."""
    send, transport = link.dul.socket.send, link.dul.socket

    def half(data):
        is_command = len(data) < 1000
        send(data if is_command else data[: len(data) // 2])
        if not is_command:
            transport._shutdown_socket()

    transport.send = half


def test_what_is_sent_is_kept_as_it_was(listen, spool, study):
    assert store_all(listen(), study) == [0] * 6
    assert names(spool) == [uid(1, 1, i) for i in range(6)]
    spool.settle(0)
    kept = pydicom.dcmread(spool.folder / uid(1) / uid(1, 1) / f"{uid(1, 1, 2)}.dcm")
    sent = pydicom.dcmread(study / "2.dcm")
    assert kept == sent
    assert kept.file_meta.MediaStorageSOPInstanceUID == sent.SOPInstanceUID
    archive = Received(Address("received", str(spool.folder)))
    assert [(one.key, one.n_images) for one in archive.series()] == [(FIRST, 6)]


def test_images_of_a_retired_class_are_kept(listen, spool, study):
    image = pydicom.dcmread(study / "0.dcm")
    kind = image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.6"
    with association(listen(), kind=kind) as link:
        assert store(link, image) == 0
    assert names(spool) == [image.SOPInstanceUID]


def test_four_associations_bring_each_image_once(listen, spool, study):
    port = listen()
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: store_all(port, study), range(4)))
    assert statuses == [[0] * 6] * 4
    assert names(spool) == [uid(1, 1, i) for i in range(6)]


def test_who_calls_somebody_else_is_refused(listen, study):
    with association(listen(), called="OTHER") as link:
        assert link.is_rejected


def test_who_is_no_peer_is_refused(listen, study):
    port = listen(peers=["CT1", "CT2"])
    with association(port, calling="CT3") as link:
        assert link.is_rejected
    with association(port, calling="CT2") as link:
        assert store(link, study / "0.dcm") == 0


@pytest.mark.parametrize(
    ("keyword", "value", "status"),
    [
        ("SeriesInstanceUID", "", 0xC000),
        ("StudyInstanceUID", "../../../etc", 0xC000),
        ("SeriesInstanceUID", ".incoming", 0xC000),
    ],
)
def test_what_does_not_say_where_it_belongs_is_refused(listen, spool, study, keyword, value, status):
    dataset = pydicom.dcmread(study / "0.dcm")
    setattr(dataset, keyword, value)
    with association(listen()) as link:
        assert store(link, dataset) == status
        # The association goes on.
        assert store(link, study / "1.dcm") == 0
    assert names(spool) == [uid(1, 1, 1)]


def test_a_data_set_of_another_uid_than_was_announced_is_refused(listen, spool, study, tmp_path, monkeypatch):
    dataset = pydicom.dcmread(study / "0.dcm")
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.save_as(tmp_path / "other.dcm")
    # From a file that is sent in pieces pynetdicom announces what its meta header says.
    monkeypatch.setattr("pynetdicom._config.STORE_SEND_CHUNKED_DATASET", True)
    with association(listen()) as link:
        assert int(link.send_c_store(tmp_path / "other.dcm").Status) == 0xA900
    assert names(spool) == []


def test_a_full_disk_is_a_failure_and_the_next_image_is_tried(listen, study, capfd):
    full = [True]

    def keep(image):
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return 0

    with association(listen(keep)) as link:
        assert store(link, study / "0.dcm") == 0xA700
        full.clear()
        full.append(False)
        assert store(link, study / "0.dcm") == 0
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert line == "semblance: an image is refused, it cannot be written: the disk is full"


def test_an_association_that_is_aborted_leaves_whole_images_alone(listen, spool, study):
    port = listen()
    with association(port) as link:
        assert store(link, study / "0.dcm") == 0
        link.abort()
        assert store(link, study / "1.dcm") is LOST
    with association(port) as link:
        cut_in_the_middle(link)
        assert store(link, study / "2.dcm") is LOST
    assert names(spool) == [uid(1, 1, 0)]
    assert not list((spool.folder / INCOMING).glob(".part*"))


def test_a_port_that_is_taken_is_one_line(listen):
    port = listen()
    with pytest.raises(ArchiveError, match=r"cannot listen there .*choose another port"):
        Receiver(Listening(port), lambda image: 0)


@pytest.mark.parametrize("title", ["", "   ", "A" * 17, "A\\B", "Ä"])
def test_a_title_that_is_none_is_refused(title):
    with pytest.raises(SettingError, match="is no title"):
        Listening(title=title)
    with pytest.raises(SettingError, match="is no title"):
        Listening(peers=[title])


def test_a_port_that_is_none_is_refused():
    with pytest.raises(SettingError, match="port: 70000 is no port"):
        Listening(70_000)
