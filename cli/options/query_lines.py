"""The lines of ``semblance query --stdin``: an IMAGE, or a JSON object with an image and its own options."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

import click

from retrieval.errors import PictureError, SettingError

from .command import Command
from .parameters import Arguments, Option

LONGEST = 1 << 20
"""Bytes of a line: a polygon of many corners has no more."""

_WHOLE_RUN = {
    *("stdin", "json", "csv", "trec", "quiet", "report", "sheet", "to", "to_sheet", "volume", "key"),
    *("findings", "labels", "references", "geojson", "heat_map"),
    *("max_seconds", "max_memory", "max_pixels", "max_frames"),
}
"""Options of the whole command: what they ask for is read or written once."""


def read_lines(stream: BinaryIO) -> Iterator[str]:
    """Yield lines without their ends, empty ones left out; of one that is too long the first part."""
    while line := stream.readline(LONGEST + 1):
        end = line
        while len(end) > LONGEST and not end.endswith(b"\n"):
            end = stream.readline(LONGEST + 1)
        # As the shell hands names of files over: bytes of another encoding come back as they are.
        if text := os.fsdecode(line).strip("\r\n"):
            yield text


def image_of(line: str) -> str:
    """Return what a line asks with, for the answer to name it; the line itself if it does not say."""
    if not line.startswith("{"):
        return line[:LONGEST]
    try:
        image = json.loads(line).get("image")
    except (ValueError, RecursionError):
        return line[:80]
    return image if isinstance(image, str) else line[:80]


def arguments_of(command: Command, args: Arguments, line: str) -> Arguments:
    """Return the arguments of the command for one line: those of the command line, and its own.

    Raises SettingError or click.UsageError if the line makes no sense.
    """
    own = Arguments(**{**vars(args), "shown": [], "images": [line]})
    if len(line) > LONGEST:
        raise PictureError(f"a line has more than {LONGEST:,} bytes; write one query a line")
    if not line.startswith("{"):
        return own
    valued = {param.name for param in command.params if not getattr(param, "is_flag", False)}
    words, off = _words(line, valued)
    # Through the parser of the command line: so a line may say what a flag may, with the same checks.
    # Without --help, which would print to where the answers go, and end the command.
    with command.make_context("query", [str(args.index), *words], help_option_names=[]) as context:
        given = command.arguments(context)
        for param in command.get_params(context):
            name = param.name or ""
            # Defaults of a line must not undo what the command line says.
            if isinstance(param, Option) and param.is_given(context):
                if name in _WHOLE_RUN:
                    raise SettingError(f"{name}: belongs to the whole command; give it as a flag")
                if name == "term":
                    raise SettingError(
                        "term: asks with no image, and a line names one; run `semblance query INDEX --term X`"
                    )
                setattr(own, name, name not in off and getattr(given, name))
    own.images = list(given.images)
    return own


def _words(line: str, valued: Collection[str | None]) -> tuple[list[str], set[str]]:
    """Return the command line that an object stands for, and the flags in it that are meant to be off.

    ``valued`` are options that take a value.
    """
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise SettingError(
            f"a line that begins with {{ is no JSON ({error}); write one object a line"
        ) from None
    image = asked.pop("image", None)
    if not isinstance(image, str):
        raise SettingError('the object of a line names no image; write {"image": "an id or a path"}')
    for name, value in asked.items():
        # As a flag, it would take the next word for its value.
        if isinstance(value, bool) and name.replace("-", "_") in valued:
            raise SettingError(f"{name}: is {json.dumps(value)}, and wants a value")
    # After the dashes: a name may begin with one.
    flags = [word for name, value in asked.items() for word in _flag(name, value)]
    return [*flags, "--", image], {name.replace("-", "_") for name, value in asked.items() if value is False}


def _flag(name: str, value: Any) -> list[str]:
    """Return an option as words; lists of numbers are joined by commas, others repeat the option."""
    flag = "-k" if name == "k" else f"--{name.replace('_', '-')}"
    # Asked first, since True is a number too. One that is off stands here as well: so a name that no flag has
    # is refused, whatever its value.
    if isinstance(value, bool):
        return [flag]
    # A polygon is corners here and in Python, and their numbers in a row on the command line.
    if name == "polygon" and isinstance(value, list) and all(isinstance(one, list) for one in value):
        value = [number for corner in value for number in corner]
    if isinstance(value, list) and all(isinstance(one, int | float) for one in value) and value:
        value = ",".join(f"{one!r}" for one in value)
    if isinstance(value, list):
        return [word for one in value for word in _flag(name, one)]
    if not isinstance(value, str | int | float):
        raise click.UsageError(f"{name}: is neither text, a number, true or false, nor a list of these")
    return [flag, str(value)] if flag == "-k" else [f"{flag}={value}"]
