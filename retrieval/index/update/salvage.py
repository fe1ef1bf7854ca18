"""Salvage: what can still be read of a damaged segment, image by image."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import IndexFolderError, LackError
from ...representation import Encoding, Representation
from ..storage.segments import EVIDENCE, Rows


def sound_rows(folder: Path, ids: Collection[int]) -> dict[int, NDArray[Any]]:
    """Return the rows of those ids that a ragged table holds undamaged; none if it cannot be opened."""
    try:
        table = Rows(folder)
    except LackError:
        raise
    except (IndexFolderError, FileNotFoundError):
        return {}
    found: dict[int, NDArray[Any]] = {}
    for id in ids:
        try:
            rows = table.get(id)
        except IndexFolderError:
            continue
        if rows is not None:
            found[id] = np.array(rows)
    return found


def sound_encodings(
    folder: Path, representation: Representation, ids: Collection[int]
) -> dict[int, Encoding]:
    """Return the encodings of those ids whose vector and evidence a segment holds undamaged."""
    try:
        ranker = representation.open_ranker([folder])
        there = np.intersect1d(ranker.ids(), np.fromiter(ids, np.int64, len(ids))).tolist()
    except LackError:
        raise
    except (IndexFolderError, FileNotFoundError):
        return {}
    has_evidence = (folder / EVIDENCE).is_dir()
    evidence = sound_rows(folder / EVIDENCE, there) if has_evidence else {}
    found: dict[int, Encoding] = {}
    for id in there if not has_evidence else evidence:
        try:
            found[id] = Encoding(ranker.vector(id), evidence.get(id))
        except (IndexFolderError, ValueError):
            continue
    return found
