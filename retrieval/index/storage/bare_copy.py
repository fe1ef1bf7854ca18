"""The bare copy of an index: its catalogue and its models, without a vector."""

from __future__ import annotations

import shutil
from pathlib import Path

from ...errors import lack
from ..catalogue.connection import FILE
from ..catalogue.database import Catalogue
from ..catalogue.page_sums import NAMES


def copy_bare(catalogue: Catalogue, index: Path, copy: Path) -> int:
    """Copy the catalogue of an index and its models into an empty folder; return the number of its commit.

    Raises LackError, such as for a full disk, and FileNotFoundError if a writer has taken a model away.
    """
    with catalogue.snapshot():
        # From the first question on no writer commits, so that the file is that of one commit.
        commit = catalogue.generation
        # The catalogue last: a process that closes a file loses its locks on it, however it got them.
        for name in (*NAMES, FILE):
            if (index / name).exists():
                _copy_file(index / name, copy / name)
    # Not by copytree, which makes of a full disk a list of all files that were to come.
    (copy / "models").mkdir()
    for path in sorted((index / "models").rglob("*")):
        beside = copy / path.relative_to(index)
        beside.mkdir() if path.is_dir() else _copy_file(path, beside)
    return commit


def _copy_file(path: Path, copy: Path) -> None:
    try:
        shutil.copyfile(path, copy)
    except FileNotFoundError:
        raise
    except OSError as error:  # which names the file that is read, and not the disk that is full
        raise lack(error, copy) from error
