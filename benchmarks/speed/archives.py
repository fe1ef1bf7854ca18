"""Time how files come from a real archive: by whole series against one by one, and over associations.

    python -m benchmarks.speed.archives [--images 200] [--rounds 3]

An Orthanc is started in a network of its own (``tests/support/orthanc.py``), which needs root and Debian's
``orthanc`` and ``orthanc-dicomweb``. A series of small CT slices, 128 × 128 of 16 bits, is written into files
on the local disk. All ways take turns within a round; the median over the rounds counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pacs.dicomweb import DicomWeb
from pacs.dimse import Dimse
from retrieval.readers.archive import Address, ArchivedFile, SeriesKey

sys.path.append(str(Path(__file__).parents[2] / "tests"))

_ONE_BY_ONE = 20
"""Images that are enough to time those that come one by one."""

Way = Callable[[Path], Iterator[ArchivedFile]]


def ways(web: DicomWeb, address: str, series: SeriesKey, uids: list[str]) -> dict[str, Way]:
    """Return every way in which the files of a series come."""
    some = uids[:_ONE_BY_ONE]
    one, four = (Dimse(Address.parse(address), n) for n in (1, 4))
    return {
        "WADO-RS, whole series": lambda folder: web.files(series, folder),
        "WADO-RS, one by one": lambda folder: web.files(series, folder, some),
        "C-GET, one association": lambda folder: one.files(series, folder),
        "C-GET, four associations": lambda folder: four.files(series, folder),
    }


def rate(way: Way) -> float:
    """Return the files a second that come in a way."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        n = sum(1 for _ in way(Path(folder)))
        return n / (time.perf_counter() - started)


def main() -> None:
    """Print the table."""
    from support.archive_files import uid, write_study
    from support.orthanc import PASSWORD, USER, lacking, running

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if missing := lacking():
        print(f"nothing is timed: needs {missing}")
        return
    os.environ |= {"SEMBLANCE_ARCHIVE_USER": USER, "SEMBLANCE_ARCHIVE_PASSWORD": PASSWORD}
    with tempfile.TemporaryDirectory() as place, running(Path(place)) as orthanc:
        orthanc.store(write_study(Path(place) / "study", 1, args.images, size=128))
        series = SeriesKey(uid(1), uid(1, 1))
        web = DicomWeb(Address.parse(orthanc.dicomweb))
        dimse = f"dimse:ORTHANC@{orthanc.host}:4242"
        found = ways(web, dimse, series, web.instances(series))
        rates: dict[str, list[float]] = {name: [] for name in found}
        for _ in range(args.rounds):
            for name, way in found.items():
                rates[name].append(rate(way))
    print(f"{args.images} slices of 128 × 128, Orthanc; median of {args.rounds} rounds\n")
    print("| way | images/s | times one by one |\n|---|---|---|")
    base = statistics.median(rates["WADO-RS, one by one"])
    for name, own in rates.items():
        print(f"| {name} | {statistics.median(own):.0f} | {statistics.median(own) / base:.1f} |")


if __name__ == "__main__":
    main()
