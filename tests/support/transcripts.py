"""Transcripts: what a reader of a document types, in order, and what the document says that comes of it.

A fenced block of the kind ``console`` holds commands after ``$ ``, each followed by what it prints; one of
the kind ``python`` is a program, and a block ``text`` right after it is what that prints. A comment before a
block says what is special about it: ``<!-- slow -->`` if it takes more than 20 seconds,
``<!-- not run: why -->`` if a test cannot type it, such as setting up the machine.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from unittest import mock

_BLOCK = re.compile(
    r"(?:<!--\s*(?P<mark>slow|not run)[^>]*-->\s*\n)?"
    r"^```(?P<kind>console|python)\n(?P<text>.*?)^```(?:\n+```text\n(?P<prints>.*?)^```)?",
    re.MULTILINE | re.DOTALL,
)

_CHANGING = (
    (r"^[a-z][\w, ]*: [\d,]+(?: of [\d,]+)? [a-z]+$", ""),  # progress, which a log has now and then
    (r"\b[0-9a-f]{16}\b", "<hash>"),
    (r"\b[0-9a-f]{32,64}\b", "<hash>"),
    (r"\d[\d,.]* s\b", "<seconds>"),
    (r"\d[\d,.]* (?:images|pictures)/s", "<rate>"),
    (r"[-+]?\d+\.\d to [-+]?\d+\.\d ?", "<interval>"),  # resampled by patients, whose hashes differ
    (r"trial, .*", "<trial>"),  # the same for what is held out
    (r"\d[\d,.]* (?:kB|MB|GB)", "<size>"),
    (r"(?<=\d\.\d\d)\d+", ""),  # scores are compared to two places
    (r"[ \t]+", " "),
    (r" $", ""),
)
"""What differs from machine to machine and from run to run."""


@dataclass(frozen=True)
class Step:
    """One command or program of a document, with what it should print; ``line`` is where it is."""

    line: int
    kind: str
    typed: str
    expected: str
    mark: str = ""


def steps(path: Path) -> Iterator[Step]:
    """Yield what is typed in a document, in order."""
    document = path.read_text(encoding="utf-8")
    for block in _BLOCK.finditer(document):
        first = document[: block.start("text")].count("\n") + 1
        mark = block["mark"] or ""
        if block["kind"] == "python":
            yield Step(first, "python", block["text"], block["prints"] or "", mark)
        else:
            yield from _commands(block["text"], first, mark)


def _commands(text: str, first: int, mark: str) -> Iterator[Step]:
    """Part a console block at its prompts; a line that ends in a backslash goes on in the next."""
    typed, line, printed = "", first, []
    for number, row in enumerate(text.splitlines(), start=first):
        if row.startswith("$ "):
            if typed:
                yield Step(line, "console", typed, "\n".join(printed), mark)
            typed, line, printed = row.removeprefix("$ "), number, []
        elif typed.endswith("\\"):
            typed = typed[:-1] + row.strip()
        else:
            printed.append(row)
    if typed:
        yield Step(line, "console", typed, "\n".join(printed), mark)


def run(step: Step) -> tuple[int, str]:
    """Type a step in the current folder, and return its exit code and all that it prints."""
    said = io.StringIO()
    if step.kind == "python":
        with contextlib.redirect_stdout(said):
            exec(compile(step.typed, f"<line {step.line}>", "exec"), {"__name__": "__main__"})
        return 0, said.getvalue()
    words = shlex.split(step.typed)
    if words[0] == "semblance" and not {"|", ">", "&&"} & set(words):
        from cli.main import main

        # A busy machine would be long enough about a step to say which: no document says that.
        no_progress = mock.patch("cli.output.progress.EVERY", math.inf)
        with no_progress, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = main(words[1:])
        return code, said.getvalue()
    beside = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(step.typed, shell=True, text=True, capture_output=True, env=environment)
    return done.returncode, done.stderr + done.stdout


def plain(text: str) -> list[str]:
    """Return lines without what changes from run to run."""
    for pattern, instead in _CHANGING:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return [line for line in text.splitlines() if line.strip()]


def differences(expected: str, printed: str) -> list[str]:
    """Return what a document says and a command does not print; a line ``…`` stands for any lines."""
    wanted, found = plain(expected), plain(printed)
    parts = [list(part) for part in _split(wanted)]
    if len(parts) == 1:
        pairs = zip_longest(wanted, found, fillvalue="")
        return [f"says {a!r}, prints {b!r}" for a, b in pairs if a != b]
    place, missing = 0, []
    for part in parts:
        while part and place <= len(found) - len(part) and found[place : place + len(part)] != part:
            place += 1
        if part and found[place : place + len(part)] != part:
            missing.append(f"says {part!r}, which is not printed in this order")
            break
        place += len(part)
    return missing


def _split(lines: list[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for line in lines:
        if line == "…":
            yield part
            part = []
        else:
            part.append(line)
    yield part
