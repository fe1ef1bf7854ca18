"""Docstrings as pages: the sections of a docstring become lists, in the way that this project writes them.

A line of a section is ``name : what it means``, or ``one, other : …``; lines below it that are indented go
on with it. Napoleon would take what stands behind the colon for a type, and types are in the signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sphinx.application import Sphinx

_RULE = re.compile(r"-{3,}$")
_ITEM = re.compile(r"(?P<names>\*{0,2}\w+(?:, \*{0,2}\w+)*) : (?P<text>.*)")
_NEXT_ERROR = re.compile(r"(?<=[.;]) (?=[A-Z]\w*(?:Error|Interrupt) : )")


def entries(lines: Sequence[str]) -> Iterator[str]:
    """Yield the entries of a section, each on one line; several errors may share a line of the source."""
    whole: list[str] = []
    for line in lines:
        if whole and (line.startswith(" ") or not _ITEM.match(line)):
            whole[-1] += f" {line.strip()}"
        else:
            whole.append(line)
    for one in whole:
        yield from _NEXT_ERROR.split(one)


def as_list(title: str, lines: Sequence[str]) -> list[str]:
    """Return a section as a title and a list of names with their meaning."""
    found = [f"**{title}**", ""]
    for entry in entries([line for line in lines if line.strip()]):
        item = _ITEM.match(entry)
        if item is None:
            found.append(f"- {entry.strip()}")
        else:
            names = ", ".join(f"``{name}``" for name in item["names"].split(", "))
            found.append(f"- {names}: {item['text']}")
    return [*found, ""]


def with_lists(lines: Sequence[str]) -> list[str]:
    """Return a docstring with its sections, each a title over a rule, made lists."""
    starts = [i - 1 for i, line in enumerate(lines) if i and _RULE.match(line) and lines[i - 1].strip()]
    if not starts:
        return list(lines)
    found = list(lines[: starts[0]])
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        found += as_list(lines[start], lines[start + 2 : end])
    return found


def rewrite(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Rewrite the docstring that autodoc has found."""
    lines[:] = with_lists(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Listen to autodoc."""
    app.connect("autodoc-process-docstring", rewrite)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
