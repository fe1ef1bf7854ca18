"""The reactor of an association: no answer gets lost, however busy the machine is."""

from __future__ import annotations

import threading
import time

import pydicom
import pytest
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Get
from support.archive_files import CT, uid, write_study

from pacs.association import Peer

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def study(tmp_path):
    return [pydicom.dcmread(path) for path in sorted(write_study(tmp_path, 1, n=3).rglob("*.dcm"))]


@pytest.fixture
def peer(study, monkeypatch):
    """An archive; the threads of an association stand still for a while just where they must not."""

    def found(event):
        for image in study:
            match = pydicom.Dataset()
            match.QueryRetrieveLevel, match.SOPInstanceUID = "IMAGE", image.SOPInstanceUID
            yield 0xFF00, match

    def sent(event):
        yield len(study)
        for image in study:
            yield 0xFF00, image

    class Busy(threading.Event):
        def wait(self, timeout=None):
            done = super().wait(timeout)
            time.sleep(0.3)  # the machine does something else
            return done

    entity = AE(ae_title="OTHER")
    for model in (Find, Get):
        entity.add_supported_context(model)
    entity.add_supported_context(CT, scu_role=True, scp_role=True)
    handlers = [(evt.EVT_C_FIND, found), (evt.EVT_C_GET, sent)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    ask = AE.associate

    def associate(self, *about, **more):
        link = ask(self, *about, **more)
        busy = Busy()
        busy.set()
        link._reactor_checkpoint = busy
        send = link.dimse.send_msg

        def sent_late(*about):
            send(*about)
            time.sleep(0.6)

        link.dimse.send_msg = sent_late
        time.sleep(0.02)
        return link

    monkeypatch.setattr(AE, "associate", associate)
    monkeypatch.setattr("pacs.association._WAIT", 20)
    yield Peer("OTHER", "127.0.0.1", server.server_address[1], "the archive")
    server.shutdown()


def asked():
    identifier = pydicom.Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "IMAGE", uid(1)
    return identifier


def test_all_answers_of_a_query_come(peer, study):
    assert [match.SOPInstanceUID for match in peer.find(asked())] == [one.SOPInstanceUID for one in study]


def test_all_images_of_a_get_come(peer, study):
    came = []
    peer.get(asked(), lambda name, pieces: came.append(name), [CT])
    assert came == [one.SOPInstanceUID for one in study]
