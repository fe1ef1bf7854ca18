"""An archive of tests whose weather is bad: a DICOMweb server that fails as it is told to."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pydicom

MULTIPART = 'multipart/related; boundary="edge"'


@dataclass
class Weather:
    """What a server does: ``fail`` is asked with the kind of request, and how many there were of the kind.

    It returns None for a good answer, a status, ``half`` for half an answer, ``cut`` for none, or seconds.
    A list has at most ``most`` entries, however many were asked for.
    """

    series: dict[tuple[str, str], dict[str, bytes]]
    address: str = ""
    fail: object = None
    most: int = 1000
    refuses_more: bool = False
    counts: Counter = field(default_factory=Counter)

    def answer(self, path: str):
        """Return the kind of a request, and the value or files of its answer; None for what is not there."""
        url = urlsplit(path)
        if self.refuses_more and int(parse_qs(url.query).get("limit", "0")[0]) > self.most:
            return "refused", None
        parts = url.path.strip("/").split("/")[1:]
        if parts == ["series"]:
            rows = [self.row(*key, n=len(files)) for key, files in sorted(self.series.items())]
            return "series", self.page(rows, url.query)
        if len(parts) < 4 or parts[0] != "studies":
            return "other", None
        files = self.series.get((parts[1], parts[3]))
        if parts[4:] == ["instances"]:
            rows = [self.row(parts[1], parts[3], uid) for uid in files or ()]
            return "instances", self.page(rows, url.query) if files else None
        if len(parts) == 6:
            one = (files or {}).get(parts[5])
            return "one", None if one is None else {parts[5]: one}
        return "whole", files

    def page(self, rows, query):
        """Return the rows that a request for a page gets."""
        offset, limit = (int(parse_qs(query)[name][0]) for name in ("offset", "limit"))
        return rows[offset : offset + min(limit, self.most)]

    def row(self, study, series, uid=None, n=None):
        """Return a series, or an image of it, as a list of them has it."""
        values = {"0020000D": study, "0020000E": series, "00080018": uid, "00201209": n}
        return {tag: {"vr": "UI", "Value": [value]} for tag, value in values.items() if value is not None}


def read_series(folder: Path):
    """Return the files of a folder by series and SOP instance UID."""
    found: dict = {}
    for path in sorted(folder.rglob("*.dcm")):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        key = (str(header.StudyInstanceUID), str(header.SeriesInstanceUID))
        found.setdefault(key, {})[str(header.SOPInstanceUID)] = path.read_bytes()
    return found


@contextmanager
def bad_weather(folder: Path, fail=None):
    """Serve the files of a folder on loopback."""
    weather = Weather(read_series(folder), fail=fail)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(weather))
    weather.address = f"dicomweb:http://127.0.0.1:{server.server_port}/dw"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield weather
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(weather: Weather):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            kind, found = weather.answer(self.path)
            weather.counts[kind] += 1
            fate = weather.fail(kind, weather.counts[kind]) if weather.fail else None
            if isinstance(fate, float):
                threading.Event().wait(fate)  # tests may let nobody sleep
            if fate == "cut":
                return
            missing = 400 if kind == "refused" else 404
            status = fate if isinstance(fate, int) else missing if found is None else 200
            if status != 200:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            is_json = isinstance(found, list)
            self._send(json.dumps(found).encode() if is_json else multipart(found), is_json, fate == "half")

        def _send(self, body, is_json, is_half):
            kind = "application/dicom+json" if is_json else MULTIPART
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2 + 9] if is_half else body)

        def handle(self):
            with contextlib.suppress(OSError):  # whoever asked may be gone
                super().handle()

        def log_message(self, *about):
            """Say nothing."""

    return Handler


def multipart(files):
    """Return files as the body of one answer."""
    head = b"--edge\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(head + content + b"\r\n" for content in files.values()) + b"--edge--\r\n"
