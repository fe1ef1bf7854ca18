"""The options that say what the reading of one file may take."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from typing import Any

from .argument_types import positive
from .parameters import Arguments, option, stack

_LIMITS = "limits of a file"

# The readers call them max_seconds and so on in their messages, of which the flags are the names here.
limit_options: Callable[[Any], Any] = stack(
    option(
        "--max-seconds",
        type=positive,
        metavar="S",
        section=_LIMITS,
        help="of a processor to read a file [10, and 1 more for each MB and each million pixels]",
    ),
    option(
        "--max-memory",
        type=positive,
        metavar="MB",
        section=_LIMITS,
        help="of memory to read a file [500, and 4 times its pixels]",
    ),
    option(
        "--max-pixels",
        type=positive,
        metavar="N",
        section=_LIMITS,
        help="rows times columns of an image [100,000,000]",
    ),
    option("--max-frames", type=positive, metavar="N", section=_LIMITS, help="images of a file [250,000]"),
)
"""The options of commands that read images: no file can stop or fill a machine."""


def limits_of(args: Arguments) -> AbstractContextManager[None]:
    """Put the limits that the options give in force for the time of a block."""
    # Commands that read no files have none of these options.
    if not hasattr(args, "max_seconds"):
        return nullcontext()
    from retrieval.readers.limits import Limits, limited

    # What was not given keeps the default of the class, where it is written once.
    given = {field.name: getattr(args, field.name) for field in fields(Limits)}
    return limited(Limits(**{name: value for name, value in given.items() if value is not None}))
