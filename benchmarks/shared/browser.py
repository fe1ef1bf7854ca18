"""The browser that pages are looked at with: Chromium without a screen, which asks nobody but our server."""

from __future__ import annotations

import shutil

FLAGS = [
    f"--{name}"
    for name in (
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
    )
]


def chromium() -> str:
    """Return where Chromium is. Raise SystemExit if there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise SystemExit("no Chromium is installed (Debian: apt-get install chromium)")
    return found
