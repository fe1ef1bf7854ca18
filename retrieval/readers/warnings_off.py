"""Quiet: decoding libraries must neither write to stderr nor turn warnings into failures."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("PIL", "nibabel", "nibabel.global", "pydicom", "pylibjpeg", "tifffile")


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back the warnings and log records of the decoding libraries for the time of a call."""
    import logging  # late: most questions read no file

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    disabled = [logger.disabled for logger in loggers]
    # Loggers are disabled, not filtered: pydicom and nibabel install handlers of their own.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.disabled = True
        try:
            yield
        finally:
            for logger, before in zip(loggers, disabled, strict=True):
                logger.disabled = before
