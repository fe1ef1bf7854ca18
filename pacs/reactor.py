"""The reactor of pynetdicom: it must leave answers to the thread that waits for them."""

from __future__ import annotations

from typing import Any


def leave_answers(link: Any) -> Any:
    """Return an association that we asked for, whose reactor takes no message off its queue any more.

    pynetdicom pauses the reactor while somebody waits for an answer, but takes it for paused an instant
    before it is. On a busy machine it takes the answer itself, which is lost: a match of a C-FIND is missing,
    or who waits gives up after the timeout. What comes over such an association is an answer, or an image of
    a C-GET; both are read by who waits.
    """
    take = link.dimse.get_msg

    def awaited(block: bool = False) -> Any:
        # Only the reactor asks without waiting.
        return take(block=True) if block else (None, None)

    link.dimse.get_msg = awaited
    return link
