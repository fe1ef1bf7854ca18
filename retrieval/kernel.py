"""The compiled kernels: one decorator for all of them, which keeps their types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def kernel(**options: Any) -> Callable[[F], F]:
    """Compile a function by numba at its first call, and cache the machine code beside its source file.

    It runs without Python's global lock, so that threads run kernels side by side. Numba knows the types of
    arguments from the call; the annotations are for readers and for mypy, to which a kernel looks like the
    function that it is made of.

    Parameters
    ----------
    options : further options of ``numba.njit``, such as ``error_model="numpy"`` (a division by zero gives
        infinity or NaN as in numpy and costs no branch), ``inline="always"``, or ``fastmath`` flags.
    """
    compiled: Callable[[F], F] = njit(cache=True, nogil=True, **options)
    return compiled
