"""Flips: one bit of one file of an index is turned, and everything is asked that may notice.

    PYTHONPATH=tests python -m faults.flips 1000 --seed 0

prints how many were found by ``verify``, gave a clear error, or are in bytes that nothing reads, with their
places, and how many gave another answer without a word: none may.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from golden.records import Places
from numpy.typing import NDArray

from retrieval.errors import SemblanceError
from retrieval.index import Index
from retrieval.index.writer import IndexWriter

GOLDEN = Path(__file__).parents[1] / "golden" / "format2"
"""It has every kind of segment: postings, codes, dense vectors, evidence, thumbnails, a metric."""

NAMES = ("stripes/0.png", "rings/2.png", "ct1/001.dcm")


@dataclass
class Tally:
    """What became of flips.

    Parameters
    ----------
    found : by ``verify``.
    refused : by a query, with a clear error.
    unread : (file, byte) of those that nothing noticed, and that changed no answer.
    wrong : (file, byte, what) of those that changed an answer, or ended in a foreign exception.
    """

    n: int = 0
    found: int = 0
    refused: int = 0
    unread: list[tuple[str, int]] = field(default_factory=list)
    wrong: list[tuple[str, int, str]] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the result as lines of a table."""
        places = Counter(file for file, _ in self.unread)
        return [
            f"flips of one bit          {self.n:6,}",
            f"found by verify           {self.found:6,}",
            f"queries refused clearly   {self.refused:6,}",
            f"in bytes that are not read{len(self.unread):6,}",
            *(f"  {file}: bytes {_spans(self.unread, file)}" for file in sorted(places)),
            f"silently wrong answers    {len(self.wrong):6,}",
            *(f"  {file}, byte {byte}: {what}" for file, byte, what in self.wrong),
        ]


def _spans(unread: list[tuple[str, int]], file: str) -> str:
    return ", ".join(str(byte) for own, byte in sorted(set(unread)) if own == file)


def make_index(folder: Path, migrated: bool = True) -> Path:
    """Copy the golden index of format 2, bring it to the format of today if wanted, and return the index."""
    places = Places.below(folder)
    places.copy_pictures(GOLDEN)
    places.copy_index(GOLDEN)
    if not migrated:
        return places.index
    with IndexWriter.open(places.index) as index:
        index.update([places.images], jobs=1)
    return places.index


def answers(index: Index) -> dict[str, Any]:
    """Return all kinds of answers of an index, as plain values."""
    found: dict[str, Any] = {"names": list(index.names), "window": index.window.text}
    for by in index.representations:
        for name in NAMES:
            hits = index.query(name, by=[by], k=99)
            found[f"{by} {name}"] = [(hit.id, hit.score, hit.box, hit.n_inliers) for hit in hits]
    by = index.representations[0]
    where = index.query(NAMES[0], by=[by], k=99, where="site = 'south' and age > 40")
    found["where"] = [(hit.id, hit.score, dict(hit.group)) for hit in where]
    found["evidence"] = [as_bytes(index.evidence(name, by)) for name in index.names]
    found["not same"] = [h.id for h in index.query(NAMES[2], by=[by], k=99, not_same="patient")]
    fused = index.query(NAMES[0], fusion="learnt", by=["superpixel", "thumbnail"])
    found["fused"] = [(hit.id, hit.score) for hit in fused]
    found["thumbnails"] = [index.thumbnail(name) for name in index.names]
    found["entries"] = [
        (e.name, e.shape, e.spacing, dict(e.groups), dict(e.metadata), e.labels) for e in index.pictures()
    ]
    return found


def as_bytes(evidence: NDArray[np.void] | None) -> bytes | None:
    """Return local evidence as it is on the disk."""
    return None if evidence is None else evidence.tobytes()


def notices(place: Path, expected: dict[str, Any]) -> tuple[bool, bool, str]:
    """Return whether ``verify`` finds something, whether a query is refused, and what is silently wrong."""
    is_found = is_refused = False
    wrong = ""
    try:
        with Index.open(place) as index:
            is_found = bool(index.verify())
    except SemblanceError:
        is_found = True
    except Exception as error:  # any other one is a fault of ours
        wrong = f"verify: {type(error).__name__}: {error}"
    try:
        with Index.open(place) as index:
            answered = answers(index)
        differing = [key for key, value in expected.items() if answered[key] != value]
        wrong = wrong or ", ".join(differing)
    except SemblanceError:
        is_refused = True
    except Exception as error:
        wrong = wrong or f"query: {type(error).__name__}: {error}"
    return is_found, is_refused, wrong


def flip(path: Path, byte: int, bit: int) -> None:
    """Turn one bit of a file, in place; a second time restores it."""
    with path.open("r+b") as file:
        file.seek(byte)
        (value,) = file.read(1)
        file.seek(byte)
        file.write(bytes([value ^ 1 << bit]))


def draw(files: list[Path], chance: random.Random) -> tuple[Path, int, int]:
    """Draw a bit: of any byte as likely as of any other, or of any file, so that small ones are met too."""
    sizes = [path.stat().st_size for path in files]
    (path,) = chance.choices(files, sizes if chance.random() < 0.5 else None)
    return path, chance.randrange(path.stat().st_size), chance.randrange(8)


def run(place: Path, n: int, seed: int) -> Tally:
    """Turn n bits of an index, one after the other, and tally what came of each."""
    chance, tally = random.Random(seed), Tally()
    with Index.open(place) as index:
        assert index.verify() == []
        expected = answers(index)
    files = sorted(path for path in place.rglob("*") if path.is_file() and path.stat().st_size)
    for _ in range(n):
        path, byte, bit = draw(files, chance)
        flip(path, byte, bit)
        is_found, is_refused, wrong = notices(place, expected)
        flip(path, byte, bit)
        where = path.relative_to(place).as_posix()
        tally.n += 1
        tally.found += is_found
        tally.refused += is_refused
        if wrong:
            tally.wrong.append((where, byte, wrong))
        elif not is_found and not is_refused:
            tally.unread.append((where, byte))
    return tally


def main() -> int:
    """Print the tally of as many flips as are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", type=int)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="semblance-flips-"))
    try:
        tally = run(make_index(folder), args.n, args.seed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(tally.lines()))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
