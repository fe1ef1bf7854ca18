"""JSON that the catalogue keeps: all of it is read here, so that damage is one clear error wherever it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...errors import REPAIR, IndexFolderError


def parse(text: Any, kind: type, what: str) -> Any:
    """Return what a JSON text of the catalogue holds.

    Parameters
    ----------
    text : as it was stored.
    kind : ``dict`` or ``list``, which it must hold.
    what : is said of it in the error, such as ``settings of dense``.

    Raises
    ------
    IndexFolderError : it is no JSON, or holds something else.
    """
    return parse_many([text], kind, what)[0]


def parse_many(texts: Sequence[Any], kind: type, what: str) -> list[Any]:
    """Return what many texts hold, all of one kind; at once, which takes a third of the time."""
    try:
        parsed: list[Any] = json.loads(f"[{','.join(texts)}]")
    except (TypeError, ValueError, RecursionError):
        parsed = []
    # A comma or a bracket that became another sign can part one text in two, or join two.
    if len(parsed) != len(texts) or not all(isinstance(one, kind) for one in parsed):
        raise IndexFolderError(f"the catalogue is damaged: {what} cannot be read; {REPAIR}")
    return parsed
