"""Types of arguments, as argparse wants them: they read text, or raise with what was wanted."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.answer import XYWH

if TYPE_CHECKING:
    from retrieval.metadata.label_table import LabelTable


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return number


def place(text: str) -> Path:
    """Read a path. An empty one, which would be the current folder, is refused."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty; is a variable of the shell unset?")
    return Path(text)


def box(text: str) -> XYWH:
    """Read a box ``x,y,w,h`` in pixels; x to the right, y down, both from the upper left corner."""
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no box; give x,y,width,height in pixels") from None
    if not (width > 0 and height > 0 and max(abs(x), abs(y), width, height) < float("inf")):
        raise argparse.ArgumentTypeError(f"{text!r}: width and height must be positive")
    return x, y, width, height


def label_table(path: Path | None) -> LabelTable | None:
    """Read the table that ``--labels`` names; None where it was not given.

    SettingError where it cannot be read, or has no rows.
    """
    if path is None:
        return None
    from retrieval.errors import SettingError
    from retrieval.metadata.label_table import LabelTable

    table = LabelTable.read(path)
    if not table.rows:
        raise SettingError(f"labels: {path} has no rows; name pictures and their labels")
    return table
