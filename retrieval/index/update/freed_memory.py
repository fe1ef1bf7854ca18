"""Freed memory, which the C library keeps for itself until it is asked to return it."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back_freed() -> None:
    """Give memory that was freed back to the system, where the C library can; elsewhere do nothing."""
    # Thousands of small arrays leave holes between what is still in use, which only `malloc_trim` of glibc
    # gives back. Others have no such function (AttributeError), or no library by that name (TypeError).
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
