"""The facts at the end of a page: with what the answer was made, so that it can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.index import Index

MADE_ON = "made on"
"""The name of the fact that says when a page was made."""


@dataclass(frozen=True)
class Fact:
    """A name and a value; ``is_detail`` folds it away: recipes and settings are long, and rarely wanted."""

    name: str
    value: str
    is_detail: bool = False


def index_facts(index: Index) -> list[Fact]:
    """Return images, window, date, version, and each representation's recipe and settings."""
    # With the zone: a page may be read on another continent than it was made on.
    # Takes longer to import than the whole command line, and only pages need it.
    from importlib.metadata import version

    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    facts = [
        Fact("images in the index", f"{len(index):,}"),
        Fact("window", index.window.text),
        Fact(MADE_ON, now),
        Fact("Semblance", version("semblance")),
    ]
    for representation in index.info()["representations"]:
        name = representation["name"]
        settings = ", ".join(f"{key} {value}" for key, value in shown_settings(representation).items())
        facts.append(Fact(f"recipe of {name}", str(representation["recipe"]), is_detail=True))
        facts.append(Fact(f"settings of {name}", settings, is_detail=True))
    return facts


def shown_settings(account: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a representation, given its account in ``Index.info``, as people read them.

    A number of words that was left open is the number that was learnt.
    """
    settings, learnt = dict(account["settings"]), account["report"].get("shape", {}).get("words")
    if "words" in settings and settings["words"] is None:
        open_number = "as many as the sample allows"
        settings["words"] = open_number if learnt is None else f"{learnt} ({open_number})"
    return settings
