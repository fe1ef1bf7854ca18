"""Images that take longer to come than an archive may be silent, or that come and cannot be written."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Get
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as Move
from support.archive_files import CT, uid, write_study

from pacs.association import Peer
from pacs.move import DimseMove
from retrieval.errors import ArchiveError
from retrieval.readers.archive import Address, SeriesKey

pytestmark = pytest.mark.filterwarnings("ignore")
SILENCE = 4.0
PAUSE = 0.16
"""Seconds between two pieces of an image on a slow line, of which it has forty."""


@pytest.fixture
def image(tmp_path, monkeypatch):
    monkeypatch.setattr("pacs.association._WAIT", SILENCE)
    monkeypatch.setattr("pacs.receiver._SILENCE", SILENCE)
    found = pydicom.dcmread(write_study(tmp_path, 1, n=1) / "0.dcm")
    found.Rows = found.Columns = 400
    found.PixelData = bytes(400 * 400 * 2)
    return found


@contextlib.contextmanager
def slow_line(port, *, back):
    """Yield the port of a line to another one, slow in one direction, which passes 8 kB at a time."""
    front = socket.create_server(("127.0.0.1", 0))

    def pump(source, target, pause):
        with contextlib.suppress(OSError):
            while piece := source.recv(8192):
                target.sendall(piece)
                time.sleep(pause)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def run():
        with contextlib.suppress(OSError):
            while True:
                near, _ = front.accept()
                far = socket.create_connection(("127.0.0.1", port))
                for ends in ((near, far, 0 if back else PAUSE), (far, near, PAUSE if back else 0)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    yield front.getsockname()[1]
    front.close()


@contextlib.contextmanager
def archive(model, kind, answer):
    entity = AE(ae_title="OTHER")
    entity.add_supported_context(model)
    entity.add_supported_context(CT, scu_role=True, scp_role=True)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(kind, answer)])
    yield server.server_address[1]
    server.shutdown()


def test_an_image_of_a_get_may_take_longer_than_an_archive_may_be_silent(image):
    def sent(event):
        yield 1
        yield 0xFF00, image

    came, asked = [], pydicom.Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "IMAGE", uid(1)
    with archive(Get, evt.EVT_C_GET, sent) as port, slow_line(port, back=True) as near:
        Peer("OTHER", "127.0.0.1", near, "it").get(asked, lambda name, pieces: came.append(name), [CT])
    assert came == [image.SOPInstanceUID]


@pytest.fixture
def move_port(monkeypatch):
    """A free port, at which images that are moved are taken."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("SEMBLANCE_PORT", str(port))
    return port


def moving(port, images, asked):
    """Return what sends images to a port, and keeps each request."""

    def sent(event):
        asked.append(event)
        yield "127.0.0.1", port, {"contexts": [build_context(CT, ExplicitVRLittleEndian)]}
        yield len(images)
        for image in images:
            yield 0xFF00, image

    return sent


def moved(there, folder, images):
    """Fetch images by C-MOVE; return their UIDs."""
    mover = DimseMove(Address.parse(f"cmove:OTHER@127.0.0.1:{there}"), 1)
    try:
        wanted = [image.SOPInstanceUID for image in images]
        return [file.uid for file in mover.files(SeriesKey("1.1", "1.2"), folder, wanted)]
    finally:
        mover.close()


def test_an_image_of_a_move_may_too_while_the_archive_says_nothing(image, tmp_path, move_port):
    asked = []
    with (
        slow_line(move_port, back=False) as near,
        archive(Move, evt.EVT_C_MOVE, moving(near, [image], asked)) as there,
    ):
        assert moved(there, tmp_path, [image]) == [image.SOPInstanceUID]
    assert len(asked) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_up_while_images_are_moved_is_no_lack_of_the_archive(
    tmp_path, move_port, monkeypatch
):
    images = [pydicom.dcmread(path) for path in sorted(write_study(tmp_path, 1, n=3).iterdir())]
    places = [tmp_path / "first"]
    monkeypatch.setattr("pacs.dimse.part_path", lambda folder: places.pop() if places else Path("/dev/full"))
    with (
        archive(Move, evt.EVT_C_MOVE, moving(move_port, images, [])) as there,
        pytest.raises(ArchiveError, match=r"what it sends cannot be written .No space left"),
    ):
        moved(there, tmp_path, images)


def test_an_archive_that_is_silent_is_given_up(image):
    over = threading.Event()

    def silent(event):
        over.wait(20)
        yield 0

    asked = pydicom.Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "IMAGE", uid(1)
    with (
        archive(Get, evt.EVT_C_GET, silent) as port,
        pytest.raises(ArchiveError, match="the association was aborted"),
    ):
        Peer("OTHER", "127.0.0.1", port, "it").get(asked, lambda name, pieces: None, [CT])
    over.set()
