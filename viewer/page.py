"""The skeleton of every page: one HTML file with its styles, script and images inside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from string import Template

from .provenance import Fact
from .safe_text import escape


@dataclass(frozen=True)
class Document:
    """The parts of a page.

    Parameters
    ----------
    title : the heading, plain text.
    lead : sentences under the heading, plain text.
    main : what the page is about, HTML.
    facts : names and values at its end.
    note : the last sentence, plain text.
    style : the style sheet of this kind of page, by its file name in ``static``.
    script : the script that the page may run, by its file name; the browser refuses any other.
    after : HTML that the script reads, placed before it.
    """

    title: str
    lead: Sequence[str]
    main: str
    facts: Sequence[Fact]
    note: str
    style: str
    script: str = ""
    after: str = ""


@cache
def static(name: str) -> str:
    """Return the text of a file of ``viewer/static``."""
    from importlib.resources import files  # late: tables of hits do without

    return (files(__package__) / "static" / name).read_text("utf-8")


def fill(name: str, **parts: object) -> str:
    """Return a template of ``viewer/static`` with its ``$names`` filled in, as they are."""
    return Template(static(name)).substitute(parts)


def write_document(document: Document) -> str:
    """Return a page as HTML, with title, lead, facts and note escaped."""
    # A page is mailed, archived and opened from disks: nothing may be in a second file.
    code = static(document.script) if document.script else ""
    return fill(
        "page.html",
        title=escape(document.title),
        heading=breakable(document.title),
        style="".join(static(name) for name in ("tokens.css", "page.css", document.style)),
        script_policy=f"; script-src '{_digest(code)}'" if code else "",
        lead="".join(f"<p class=lead>{escape(line)}</p>" for line in document.lead),
        main=document.main,
        facts=_list(fact for fact in document.facts if not fact.is_detail),
        details=_folded([fact for fact in document.facts if fact.is_detail]),
        note=escape(document.note),
        after=document.after + (f"<script>{code}</script>" if code else ""),
    )


def breakable(text: str) -> str:
    """Return text as HTML whose lines may break after a slash: paths are longer than a screen is wide."""
    return escape(text).replace("/", "/<wbr>")


def inlined(encoded: bytes) -> str:
    """Return an encoded image as an address that holds it."""
    return f"data:{_media_type(encoded)};base64,{base64.b64encode(encoded).decode('ascii')}"


def _digest(script: str) -> str:
    """Return the source expression of a content security policy that lets this very script run."""
    # Over the exact text between the tags: a single space more, and the browser would refuse the script.
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _media_type(encoded: bytes) -> str:
    # By the first bytes (PNG, then RIFF for WebP), since indexes may hold any of the three.
    if encoded.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if encoded[:4] == b"RIFF" else "image/jpeg"


def _list(facts: Iterable[Fact]) -> str:
    entries = "".join(f"<dt>{escape(fact.name)}</dt><dd>{escape(fact.value)}</dd>" for fact in facts)
    return f"<dl>{entries}</dl>" if entries else ""


def _folded(facts: Sequence[Fact]) -> str:
    if not facts:
        return ""
    return f"<details><summary>Recipes and settings</summary>{_list(facts)}</details>"
