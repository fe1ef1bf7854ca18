"""People: the hashes of patients that label tables name, kept so that no query computes them."""

from __future__ import annotations

from collections.abc import Mapping

from .database import Catalogue
from .stored_json import parse


def kept_people(catalogue: Catalogue) -> Mapping[str, str]:
    """Return what was kept, for ``readers.pseudonym.recalled``; nothing in an index that keeps none."""
    found = catalogue.rows("SELECT value FROM meta WHERE key = 'people'")
    kept: dict[str, str] = parse(found[0][0], dict, "the patients of its tables") if found else {}
    return kept
