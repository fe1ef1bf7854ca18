"""Print how memory and disk go while a large archive is indexed over DICOMweb.

    python -m benchmarks.speed.archive_memory [--images 10000] [--by thumbnail]

The archive is generated: series of a hundred CT slices of 128 × 128, whose files differ in UIDs and noise
and are made when they are asked for. ``semblance index`` runs in a process of its own. Every tenth of the way
the memory of the process that writes and of its readers is printed, and what the files of the archive take on
the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import psutil

sys.path.append(str(Path(__file__).parents[2] / "tests"))

_A_SERIES = 100
_SIDE = 128
_MIB = 1 << 20


class Generated:
    """The files of an archive, made when they are asked for.

    Parameters
    ----------
    template : the bytes of a file; its study and its image are called 9999.
    n_images : in all.
    """

    def __init__(self, template: bytes, n_images: int) -> None:
        from support.archive_files import ROOT

        self._template, self._root = template, ROOT
        self.n_series = n_images // _A_SERIES
        self.n_served = 0

    def study(self, series: int) -> str:
        """Return the UID of the study of a series; all have the same length."""
        return f"{self._root}.{1000 + series}"

    def series(self) -> list[dict[str, object]]:
        """Return what QIDO-RS tells of the series."""
        rows = [(self.study(i), f"{self.study(i)}.1", _A_SERIES) for i in range(self.n_series)]
        return [
            dict(zip(("0020000D", "0020000E", "00201209"), map(_value, row), strict=True)) for row in rows
        ]

    def images(self, study: str) -> list[str]:
        """Return the SOP instance UIDs of a series."""
        return [f"{study}.1.{1000 + i}" for i in range(_A_SERIES)]

    def file(self, study: str, uid: str) -> bytes:
        """Return the file of an image."""
        made = self._template.replace(f"{self._root}.9999.1.9999".encode(), uid.encode())
        made = made.replace(f"{self._root}.9999".encode(), study.encode())
        noise = np.random.default_rng(int(uid.replace(".", "")[-12:])).integers(
            0, 4000, _SIDE * _SIDE, np.uint16
        )
        return made[: -2 * _SIDE * _SIDE] + noise.tobytes()


def _value(value: object) -> dict[str, object]:
    return {"vr": "UI", "Value": [value]}


def handler(archive: Generated) -> type[BaseHTTPRequestHandler]:
    """Return what answers requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            parts = url.path.strip("/").split("/")[1:]
            if parts == ["series"]:
                offset, limit = (int(parse_qs(url.query)[name][0]) for name in ("offset", "limit"))
                self._json(archive.series()[offset : offset + limit])
            elif parts[-1:] == ["instances"]:
                self._json([{"00080018": _value(uid)} for uid in archive.images(parts[1])])
            elif parts[:1] == ["studies"]:
                self._series(parts[1])
            else:
                self.send_error(404)

        def _json(self, found: object) -> None:
            self._head("application/dicom+json")
            self.wfile.write(json.dumps(found).encode())

        def _series(self, study: str) -> None:
            self._head('multipart/related; boundary="edge"')
            for uid in archive.images(study):
                self.wfile.write(
                    b"--edge\r\nContent-Type: application/dicom\r\n\r\n" + archive.file(study, uid) + b"\r\n"
                )
                archive.n_served += 1
            self.wfile.write(b"--edge--\r\n")

        def _head(self, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def sizes(process: psutil.Popen, cache: Path) -> tuple[float, float, float]:
    """Return MiB of the memory of a process, of its children, and of the files in a folder."""
    kept = sum(path.stat().st_size for path in _files(cache))
    children = [_resident(child) for child in process.children(recursive=True)]
    return _resident(process), sum(children), kept / _MIB


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _resident(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / _MIB
    except psutil.Error:
        return 0.0


def watch(process: psutil.Popen, archive: Generated, cache: Path, show: Callable[[str], None]) -> None:
    """Print the largest sizes of every tenth of the way until the process ends."""
    step = max(1, archive.n_series * _A_SERIES // 10)
    bound, largest = step, (0.0, 0.0, 0.0)
    while process.poll() is None:
        try:
            largest = tuple(map(max, zip(largest, sizes(process, cache), strict=True)))  # type: ignore[assignment]
        except (psutil.Error, OSError):  # a file or process that has just gone
            continue
        if archive.n_served >= bound:
            show("| " + " | ".join([f"{bound:,}", *(f"{size:,.0f}" for size in largest)]) + " |")
            bound, largest = bound + step, (0.0, 0.0, 0.0)
        threading.Event().wait(0.1)
    if process.returncode:
        raise SystemExit(f"semblance index: exit code {process.returncode}")


def main() -> None:
    """Print the table."""
    from support.archive_files import write_study

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--by", default="thumbnail")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (path,) = write_study(
            folder / "template",
            1,
            1,
            size=_SIDE,
            StudyInstanceUID=_uid("9999"),
            SeriesInstanceUID=_uid("9999.1"),
        ).iterdir()
        archive = Generated(_named(path), args.images)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(archive))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"dicomweb:http://127.0.0.1:{server.server_port}/dw"
        words = [
            "-m",
            "cli",
            "index",
            address,
            "-o",
            str(folder / "i"),
            "--by",
            args.by,
            "--jobs",
            "1",
            "--quiet",
        ]
        words = ["-c", "import sys; from cli.main import main; sys.exit(main())", *words[2:]]
        environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
        process = psutil.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, env=environment)
        print(
            f"{args.images:,} slices of {_SIDE} × {_SIDE}, {args.by}; largest MiB of each tenth of the way\n"
        )
        print("| images | writer | readers | files on the disk |\n|---|---|---|---|")
        watch(process, archive, folder / "cache", lambda line: print(line, flush=True))
        server.shutdown()


def _uid(rest: str) -> str:
    from support.archive_files import ROOT

    return f"{ROOT}.{rest}"


def _named(path: Path) -> bytes:
    """Return a file whose image is called 9999."""
    import pydicom

    dataset = pydicom.dcmread(path)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = _uid("9999.1.9999")
    dataset.save_as(path)
    return path.read_bytes()


if __name__ == "__main__":
    main()
