"""What an archive answers to results that are sent to it, and what is said to be stored then."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pydicom
import pytest
import requests
from support.archive_files import write_study

from pacs.dicomweb import DicomWeb
from pacs.store import store_objects
from retrieval.errors import ArchiveError
from retrieval.readers.archive import Address


@contextmanager
def answering(status, body, elsewhere=""):
    """Serve one answer to whatever is sent; ``elsewhere`` is where ``/dw`` leads on to."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.do_GET()

        def do_GET(self):
            is_led = elsewhere and self.path.startswith("/dw/")
            self.send_response(status if is_led or not elsewhere else 200)
            if is_led:
                self.send_header("Location", self.path.replace("/dw", elsewhere))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *about):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield Address.parse(f"dicomweb:http://127.0.0.1:{server.server_port}/dw")
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def result(tmp_path):
    return pydicom.dcmread(write_study(tmp_path, 1, n=1) / "0.dcm")


def named(tag):
    return json.dumps({tag: {"vr": "SQ", "Value": [{}]}}).encode()


@pytest.mark.parametrize("status", [301, 302, 303])
def test_what_a_redirect_loses_on_the_way_is_not_said_to_be_stored(result, status):
    # The answer is that to a GET of the other address, as a client makes it of a POST.
    with (
        answering(status, named("0020000D"), elsewhere="/dicom") as archive,
        pytest.raises(
            ArchiveError, match=r"nothing is stored, as it leads on to http://127\.0\.0\.1:\d+/dicom;"
        ),
    ):
        store_objects(archive, [result])


def test_an_address_that_takes_what_is_sent_on_is_followed(result):
    with answering(308, named("00081199"), elsewhere="/dicom") as archive:
        assert store_objects(archive, [result]) == 1


def test_a_good_status_without_a_word_says_that_all_is_stored(result):
    with answering(200, b"") as archive:
        assert store_objects(archive, [result, result]) == 2


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>log in</html>", b'{"00081199": null}'])
def test_an_answer_that_names_nothing_that_is_stored_is_no_success(result, body):
    with answering(200, body) as archive, pytest.raises(ArchiveError, match="does not say if the results"):
        store_objects(archive, [result])


def test_a_part_that_is_stored_is_not_taken_for_all(result):
    with (
        answering(200, named("00081199")) as archive,
        pytest.raises(ArchiveError, match="names 1 of 2 results as stored; look there"),
    ):
        store_objects(archive, [result, result])


@pytest.mark.parametrize("error", [requests.ReadTimeout, requests.ConnectionError])
def test_who_hears_no_answer_is_not_told_to_send_again(result, monkeypatch, error):
    def cut(*about, **more):
        raise error("cut")

    monkeypatch.setattr(requests.Session, "request", cut)
    archive = Address.parse("dicomweb:http://a/dw")
    with pytest.raises(ArchiveError, match="look there if it is stored before you send it again"):
        store_objects(archive, [result])
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(ArchiveError, match="the same command goes on"):
        list(DicomWeb(archive).series())


def test_a_refusal_without_a_reason_is_one_line(result):
    with (
        answering(202, b'{"00081198": {"Value": [null]}}') as archive,
        pytest.raises(ArchiveError, match=r"refuses 1 of 1 results \(no reason\)"),
    ):
        store_objects(archive, [result])


def test_a_redirect_without_an_end_is_no_failure_of_the_connection():
    with (
        answering(302, b"", elsewhere="/dw") as archive,
        pytest.raises(ArchiveError, match="leads on to elsewhere, and to no answer"),
    ):
        list(DicomWeb(archive).series())


@pytest.mark.parametrize(
    "place", ["http://a:p", "http://a:99999/dw", "http:///dw", "http://[::1/dw", "ftp://a"]
)
def test_an_address_that_is_none_is_refused(place):
    with pytest.raises(ArchiveError, match="write it as dicomweb:http://host/dicom-web"):
        DicomWeb(Address.parse(f"dicomweb:{place}"))


@pytest.mark.parametrize("why", ["self-signed certificate", "certificate has expired", ""])
def test_a_certificate_that_is_not_accepted_is_said_to_be_that(monkeypatch, why):
    said = f"certificate verify failed: {why} (_ssl.c:1007)" if why else "certificate verify failed"

    def refused(*about, **more):
        raise requests.exceptions.SSLError(f"[SSL: CERTIFICATE_VERIFY_FAILED] {said}")

    monkeypatch.setattr(requests.Session, "request", refused)
    shown = rf" \({why}\)" if why else ""
    with pytest.raises(ArchiveError, match=rf"accept its certificate{shown}; .* in REQUESTS_CA_BUNDLE"):
        list(DicomWeb(Address.parse("dicomweb:https://a/dw")).series())
