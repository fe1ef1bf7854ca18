"""A browser: pages are laid out by Chromium, if there is one, and measured."""

from __future__ import annotations

import html
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

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
"""A browser of a test asks nobody but the test's own server."""

_MEASURING = ("--headless", "--window-size=1400,1000", "--virtual-time-budget=4000", "--dump-dom")

# A frame has a width of its own, while headless windows are never below 500 pixels; as it has no script, the
# page around it measures.
_AROUND = """<!doctype html><meta charset="utf-8">
<iframe width=WIDTH height=900 style="border:0" srcdoc="PAGE"></iframe><pre id=measured></pre>
<script>
addEventListener("load", () => {
  const page = document.querySelector("iframe").contentDocument;
  const measure = () => { MEASURE };
  document.getElementById("measured").textContent = JSON.stringify(measure());
});
</script>"""


def measured(page: str, width: int, measure: str, folder: Path) -> Any:
    """Lay a page out in a frame of ``width`` pixels, and return what some JavaScript returns.

    Parameters
    ----------
    measure : the body of a function, in which ``page`` is the document.
    folder : an empty one, for the browser's profile.
    """
    around = _AROUND.replace("WIDTH", str(width)).replace("MEASURE", measure)
    (folder / "around.html").write_text(around.replace("PAGE", html.escape(page)), encoding="utf-8")
    command = [str(CHROMIUM), *FLAGS, *_MEASURING, f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [*command, (folder / "around.html").as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    text = done.stdout.partition('<pre id="measured">')[2].partition("</pre>")[0]
    return json.loads(html.unescape(text))


def list_images(tab: Any) -> None:
    """Let the page list images, not series or slides; a row that is replaced under a click would lose it."""
    first = tab.locator("#list [data-id]").first
    first.wait_for()
    if tab.input_value("#level"):
        shown = first.element_handle()
        tab.select_option("#level", "")
        shown.wait_for_element_state("hidden")


def open_image(tab: Any, name: str = "ct0/002.dcm") -> None:
    """Open an image from the page's list and wait for its pixels."""
    from playwright.sync_api import expect

    list_images(tab)
    tab.click(f'#list [data-id="{name}"]')
    expect(tab.locator("#look-title")).to_have_text(name)
    expect(tab.locator("#window-values")).not_to_be_empty()


def drag(
    tab: Any,
    start: tuple[float, float] = (0.42, 0.42),
    end: tuple[float, float] = (0.58, 0.58),
    button: str = "left",
    steps: int = 1,
) -> None:
    """Drag on the image, from and to shares of its stage; by default over its middle."""
    box = tab.locator("#stage").bounding_box()
    assert box is not None
    (x0, y0), (x1, y1) = [
        (box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)
    ]
    tab.mouse.move(x0, y0)
    tab.mouse.down(button=button)
    tab.mouse.move(x1, y1, steps=steps)
    tab.mouse.up(button=button)
