"""What the reading of one file may take, as keywords; put in force for a call that may read files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from retrieval.errors import SettingError

if TYPE_CHECKING:
    from retrieval.readers.limits import Limits

GivenLimits = Mapping[str, float] | None
"""``max_seconds``, ``max_memory`` (MB), ``max_pixels``, ``max_frames``, as the flags of the command line."""

Rest = ParamSpec("Rest")
Found = TypeVar("Found")


class Limited(Protocol):
    """Something that reads files within limits."""

    @property
    def limits(self) -> Limits | None:
        """What a file may take; None for the limits that are in force where it is called."""
        ...


Reader = TypeVar("Reader", bound=Limited)


def limits_of(given: GivenLimits) -> Limits | None:
    """Return limits; None if none are given. SettingError if one is unknown or makes no sense."""
    if given is None:
        return None
    # Imported here, as all below this package is: to open an index need not load the readers.
    from retrieval.readers.limits import Limits
    from retrieval.registry import refuse_unknown

    if not isinstance(given, Mapping):
        raise SettingError(f"limits: {given!r} is no mapping; give numbers by name")
    refuse_unknown("limits", given, Limits.__annotations__)
    return Limits(**given)  # type: ignore[arg-type]  # whole numbers are not asked for


def in_force(limits: Limits | None) -> AbstractContextManager[None]:
    """Put limits in force for a block; those that are in force stay if there are none."""
    # A block of a caller's own, ``retrieval.readers.limits.limited``, goes on to hold.
    if limits is None:
        return nullcontext()
    from retrieval.readers.limits import limited

    return limited(limits)


def within_limits(
    method: Callable[Concatenate[Reader, Rest], Found],
) -> Callable[Concatenate[Reader, Rest], Found]:
    """Let a method read files within the limits of its object."""

    @wraps(method)
    def bounded(self: Reader, /, *arguments: Rest.args, **options: Rest.kwargs) -> Found:
        with in_force(self.limits):
            return method(self, *arguments, **options)

    return bounded
