"""The facts at the end of a page: with what the answer was made, so that it can be made again."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.index import Index


def index_facts(index: Index) -> list[tuple[str, str]]:
    """Return names and values: pictures, window, each representation's recipe and settings, date, version."""
    facts = [("pictures in the index", f"{len(index):,}"), ("window", index.window.text)]
    for representation in index.info()["representations"]:
        name = representation["name"]
        settings = ", ".join(f"{key} {value}" for key, value in representation["settings"].items())
        facts.append((f"recipe of {name}", str(representation["recipe"])))
        facts.append((f"settings of {name}", settings))
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    return [*facts, ("made on", now), ("Semblance", version("semblance"))]
