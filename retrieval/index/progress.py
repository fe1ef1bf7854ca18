"""The progress of long work, reported to whoever wants to show it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What is called repeatedly during long work."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` steps of a stage are done; total is 0 if it is not known.

        The stages, in their order: ``scan`` (files found), ``learn NAME`` (images to learn from), ``read``
        (files read and encoded), and meanwhile ``reading FILE`` of a large slide (parts of it).
        """
        ...


def silent(stage: str, done: int, total: int) -> None:
    """Show nothing."""
