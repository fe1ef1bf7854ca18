"""Types of arguments, as click wants them: they read text, or raise with what was wanted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from retrieval.errors import SettingError, did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from retrieval.readers.archive import Address
    from viewer.answer import XYWH

Complete = Callable[[click.Context, click.Parameter, str], list[str]]
"""What completes a word in a shell: the values that start with it."""


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    try:
        number = int(text)
    # Words and numbers below 1 get the same answer: what was wanted.
    except ValueError:
        number = 0
    if number < 1:
        raise click.BadParameter(f"{text!r} is no whole number above 0")
    return number


def place(text: str | Path) -> Path:
    """Read a path. An empty one, which would be the current folder, is refused."""
    # An unset variable of a script, as in -o "$OUT", must not write into the current folder.
    if not str(text):
        raise click.BadParameter("the path is empty; is a variable of the shell unset?")
    return Path(text)


def place_or_archive(text: str) -> Path | Address:
    """Read a path, or the address of an archive, ``dicomweb:http://host/dicom-web?Modality=CT``."""
    from retrieval.readers.archive import ARCHIVES, Address
    from retrieval.registry import installed

    scheme, colon, rest = text.partition(":")
    if not (colon and rest) or scheme not in installed(ARCHIVES):
        # No path of a user begins so; to call it a missing folder would hide what is wrong.
        if scheme.isalnum() and rest.startswith("//"):
            known = ", ".join(installed(ARCHIVES))
            shown = text.partition("?")[0]  # the filters after it may name a patient
            raise click.BadParameter(f"{shown}: no archive is called {scheme}; there are {known}")
        return place(text)
    try:
        return Address.parse(text)
    except SettingError as error:
        raise click.BadParameter(str(error)) from error


def box(text: str) -> XYWH:
    """Read a box ``x,y,w,h`` in pixels; x to the right, y down, both from the upper left corner."""
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is no box; give x,y,width,height in pixels") from None
    if any(map(math.isnan, (x, y, width, height))):
        raise click.BadParameter(f"{text!r}: nan is no number; give x,y,width,height in pixels")
    if max(map(abs, (x, y, width, height))) == float("inf"):
        raise click.BadParameter(f"{text!r}: inf is no place in an image; give x,y,width,height in pixels")
    if not (width > 0 and height > 0):
        raise click.BadParameter(f"{text!r}: width and height must be positive")
    return x, y, width, height


def among(choices: Sequence[Any], read: Callable[[str], Any] = str) -> Callable[[str], Any]:
    """Return what reads one of several values, and says which is nearest to a mistyped one."""

    def choice(text: str) -> Any:
        # Read first: a choice may be a number, which is to be compared as one.
        value = checked(read)(text)
        if value in choices:
            return value
        names = [str(one) for one in choices]
        listed = ", ".join(repr(one) for one in choices)
        raise click.BadParameter(
            f"invalid choice: {text!r} (choose from {listed}){did_you_mean(text, names)}"
        )

    return choice


_WANTED: dict[Callable[[str], Any], str] = {int: "a whole number", float: "a number"}


def checked(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what reads a value and says which text it could not read."""

    def value(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            wanted = _WANTED.get(read)
            raise click.BadParameter(
                f"{text!r} is not {wanted}" if wanted else f"invalid value: {text!r}"
            ) from error

    return value


def starting_with(choices: Sequence[Any]) -> Complete:
    """Return what completes a word to one of several values."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        return [str(one) for one in choices if str(one).startswith(incomplete)]

    return complete


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete a word as the path of a file."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]
