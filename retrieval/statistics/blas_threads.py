"""One thread of BLAS for small products, such as those of the points of one image with all words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

_SHARED = 256
"""Rows of a product that OpenBLAS shares out among its threads."""

_LOCK = threading.Lock()
_inside: list[ExitStack | None] = []
"""One entry for each thread that is within ``one_blas_thread``; the first holds what restores the number."""


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let products of matrices take one thread until the block ends; others may be within it meanwhile.

    OpenBLAS splits products of a few milliseconds too, and its other threads wait for the next one in a loop:
    a query then takes twice the time of the processor, and gains nothing.
    """
    with _LOCK:
        restore = None
        if not _inside:
            restore = ExitStack()
            restore.enter_context(_controller().limit(limits=1, user_api="blas"))
        _inside.append(restore)
    try:
        yield
    finally:
        with _LOCK:
            # Whoever is last restores, whoever was first: else one would restore what another has set.
            own = _inside.pop()
            if own is not None:
                own.close()


@cache
def _controller() -> ThreadpoolController:
    # OpenBLAS (0.3.31, on AMD) multiplies three times as slowly by one thread as long as several have never
    # multiplied in the process. Why is not known; the bits are the same.
    few = np.ones((_SHARED, _SHARED), dtype=np.float32)
    np.matmul(few, few)
    # To look for the libraries takes milliseconds; that of numpy is loaded before the first product.
    return ThreadpoolController()
