"""Our own application entity title, by which archives know us."""

from __future__ import annotations

import os

from retrieval.errors import SettingError

TITLE = "SEMBLANCE_AET"
"""The variable of the environment with our own application entity title."""


def own_title() -> str:
    """Return what we call ourselves. Raise SettingError if the environment says no title."""
    title = os.environ.get(TITLE, "SEMBLANCE")[:16]
    if not is_title(title):
        raise SettingError(f"{TITLE}: {title!r} is no title of an application; give 1 to 16 characters")
    return title


def is_title(text: str) -> bool:
    """Tell if a text is a title: 16 characters, no backslash, and not only spaces (PS3.5 section 6.2, AE)."""
    return (
        bool(text.strip()) and len(text) <= 16 and text.isascii() and text.isprintable() and "\\" not in text
    )
