"""Time how files come from a real archive, by whole series and one by one, and how they come into a receiver.

    python -m benchmarks.speed.archives [--images 200] [--rounds 5]

An Orthanc is started in a network of its own (``tests/support/orthanc.py``), which needs root and Debian's
``orthanc``, ``orthanc-dicomweb`` and ``dcmtk``. A series of small CT slices, 128 × 128 of 16 bits, is written
into files on the local disk. Into the spool of a receiver dcmtk's ``storescu`` stores it, one process an
association. All ways take turns within a round. The median over the rounds counts, and the best round, which
says more on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from unittest.mock import patch

from pacs.dicomweb import DicomWeb
from pacs.dimse import Dimse
from pacs.move import DimseMove
from pacs.receiver import Listening, Receiver, into
from pacs.spool import Spool
from retrieval.readers.archive import Address, ArchivedFile, SeriesKey

sys.path.append(str(Path(__file__).parents[2] / "tests"))

_ONE_BY_ONE = 20
"""Images that are enough to time those that come one by one."""
_STORESCU = "/usr/bin/storescu"
"""That of dcmtk: pynetdicom has a program of the same name."""
_FIRST = (
    "WADO-RS, one by one", "C-GET, one association", "C-MOVE, one association",
    "C-STORE, delayed acknowledgements, one association",
)  # fmt: skip
"""What the other ways of a kind are compared with."""

Way = Callable[[Path], int]
"""Brings the files of a series into a folder, and returns how many."""


def ways(web: DicomWeb, place: str, series: SeriesKey, uids: list[str], study: Path) -> dict[str, Way]:
    """Return every way in which the files of a series come; ``study`` has them."""
    some = uids[:_ONE_BY_ONE]
    found: dict[str, Way] = {
        "WADO-RS, whole series": lambda folder: count(web.files(series, folder)),
        "WADO-RS, one by one": lambda folder: count(web.files(series, folder, some)),
    }
    files = sorted(study.iterdir())
    for n, named in ((1, "one association"), (4, "four associations")):
        get, move = Dimse(Address.parse(f"dimse:{place}"), n), DimseMove(Address.parse(f"cmove:{place}"), n)
        found[f"C-GET, {named}"] = partial(_brought, get, series)
        found[f"C-MOVE, {named}"] = partial(_brought, move, series)
        for quick in (False, True):
            how = "quick" if quick else "delayed"
            found[f"C-STORE, {how} acknowledgements, {named}"] = partial(store, files, n, quick)
    return found


def count(files: Iterator[ArchivedFile]) -> int:
    """Return how many files come."""
    return sum(1 for _ in files)


def _brought(archive: Dimse, series: SeriesKey, folder: Path) -> int:
    try:
        return count(archive.files(series, folder))
    finally:
        archive.close()


def store(files: list[Path], n: int, quick: bool, folder: Path) -> int:
    """Store files in a receiver over some associations at once; return how many it has."""
    spool = Spool(folder / "spool")
    # Delayed ones are those of the system, to see what the quick ones of the receiver are for.
    with nullcontext() if quick else patch("pacs.receiver.quick_ack_handlers", list):
        receiver = Receiver(Listening(0), into(spool))
    words = [_STORESCU, "-aec", "SEMBLANCE", "127.0.0.1", str(receiver.port)]
    try:
        senders = [subprocess.Popen([*words, *map(str, files[i::n])]) for i in range(n)]
        if any([sender.wait() for sender in senders]):  # noqa: C419  # all of them are waited for
            raise SystemExit("storescu failed")
        return sum(1 for _ in (folder / "spool").rglob("*.dcm"))
    finally:
        receiver.close()
        spool.close()


def rate(way: Way) -> float:
    """Return the files a second that come in a way."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        n = way(Path(folder))
        return n / (time.perf_counter() - started)


def main() -> None:
    """Print the table."""
    from support.archive_files import uid, write_study
    from support.orthanc import PASSWORD, USER, lacking, running

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if missing := lacking():
        print(f"nothing is timed: needs {missing}")
        return
    os.environ |= {"SEMBLANCE_ARCHIVE_USER": USER, "SEMBLANCE_ARCHIVE_PASSWORD": PASSWORD}
    with tempfile.TemporaryDirectory() as place, running(Path(place)) as orthanc:
        study = write_study(Path(place) / "study", 1, args.images, size=128)
        orthanc.store(study)
        # Where Orthanc is told that we are.
        os.environ["SEMBLANCE_PORT"] = "11112"
        series = SeriesKey(uid(1), uid(1, 1))
        web = DicomWeb(Address.parse(orthanc.dicomweb))
        found = ways(web, f"ORTHANC@{orthanc.host}:4242", series, web.instances(series), study)
        rates: dict[str, list[float]] = {name: [] for name in found}
        for _ in range(args.rounds):
            for name, way in found.items():
                rates[name].append(rate(way))
    print(f"{args.images} slices of 128 × 128; {args.rounds} rounds\n")
    print("| way | images/s, median | best | times the first, median | best |\n|---|---|---|---|---|")
    for name, own in rates.items():
        first = rates[next(other for other in _FIRST if name.split(",")[0] == other.split(",")[0])]
        values = (statistics.median(own), max(own))
        times = (values[0] / statistics.median(first), values[1] / max(first))
        print(f"| {name} | {values[0]:.0f} | {values[1]:.0f} | {times[0]:.1f} | {times[1]:.1f} |")


if __name__ == "__main__":
    main()
