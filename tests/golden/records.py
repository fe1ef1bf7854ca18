"""The records of a golden index: where its parts lie, and what commands print, without what changes."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MTIME_NS = 1_700_000_000_000_000_000
"""The time of all pictures: git keeps none, and the catalogue knows it."""

_LEFT_OUT = {"seconds", "timings", "folders", "format", "bytes"}
"""What differs between runs, machines or formats."""


@dataclass(frozen=True)
class Places:
    """What the placeholders of recorded commands stand for: INDEX, IMAGES, NEW and OUT."""

    index: Path
    images: Path
    new: Path
    out: Path

    @classmethod
    def below(cls, folder: Path) -> Places:
        """Return places in a folder; that of output is made."""
        (folder / "out").mkdir(parents=True)
        return cls(folder / "index", folder / "images", folder / "new", folder / "out")

    def copy_pictures(self, golden: Path) -> None:
        """Copy the pictures, all of the time that the catalogue knows."""
        for name in ("images", "new"):
            shutil.copytree(golden / name, getattr(self, name))
            for path in getattr(self, name).rglob("*"):
                os.utime(path, ns=(MTIME_NS, MTIME_NS))

    def copy_index(self, golden: Path, lacking: Mapping[str, str] | None = None) -> None:
        """Copy the index, and give it the weights that were left out, if any were."""
        shutil.copytree(golden / "index", self.index)
        if lacking is None:
            return
        weights = (Path(__file__).parent / "first_weights.safetensors").read_bytes()
        assert hashlib.sha256(weights).hexdigest() == lacking["sha256"], "these are other weights"
        np.save(self.index / lacking["file"], np.frombuffer(weights, dtype=np.uint8))

    def filled(self, command: Sequence[str]) -> list[str]:
        """Return a command with the places in it."""
        return [self._filled(part) for part in command]

    def _filled(self, part: str) -> str:
        first, mark, rest = part.partition("/")
        place = self.named.get(first)
        return part if place is None else f"{place}{mark}{rest}"

    @property
    def named(self) -> dict[str, Path]:
        """The places by their placeholders."""
        return {"INDEX": self.index, "IMAGES": self.images, "NEW": self.new, "OUT": self.out}


def parsed(command: Sequence[str], text: str) -> Any:
    """Return what a command printed: its JSON, its table as rows, None of a sentence."""
    if "--json" in command:
        return json.loads(text)
    if "--csv" in command:
        return [[_value(cell) for cell in row] for row in csv.reader(text.splitlines())]
    if "--trec" in command:
        fields = [line.split() for line in text.splitlines()]
        return [[query, id, int(rank), float(score)] for query, _, id, rank, score, _ in fields]
    return None


def _value(cell: str) -> str | float:
    try:
        return float(cell)
    except ValueError:
        return cell


def scrubbed(output: Any, places: Places, digits: int | None = None) -> Any:
    """Return an output without times and paths; its numbers with so many digits where that is asked for."""
    if isinstance(output, dict):
        kept = {key: value for key, value in output.items() if key not in _LEFT_OUT}
        return {key: scrubbed(value, places, digits) for key, value in kept.items()}
    if isinstance(output, list):
        return [scrubbed(value, places, digits) for value in output]
    if isinstance(output, str):
        for name, place in places.named.items():
            output = output.replace(str(place), name)
    if isinstance(output, float) and digits is not None:
        return float(f"{output:.{digits}g}")
    return output


def differences(expected: Any, found: Any, where: str = "") -> list[str]:
    """Return where two outputs differ, a line each; numbers may by 1e-4 of their size.

    Objects may have gained keys, but not lost any: later versions may tell more.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        pairs = [
            (expected[key], found.get(key, "nothing"), f"{where}.{key}")
            for key in expected
            if key not in _LEFT_OUT
        ]
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = [(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(expected, found, strict=True))]
    else:
        return [] if _is_same(expected, found) else [f"{where}: expected {expected!r}, found {found!r}"]
    return [line for a, b, place in pairs for line in differences(a, b, place)]


def _is_same(expected: Any, found: Any) -> bool:
    kinds = {type(expected), type(found)}
    if float in kinds and kinds <= {int, float}:
        return bool(abs(expected - found) <= 1e-4 * abs(expected) + 1e-6)
    return bool(len(kinds) == 1 and expected == found)
