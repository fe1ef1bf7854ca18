"""The reactor of an association, pynetdicom's loop that takes its messages: it may take none of ours."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty
from typing import Any


def leave_answers(link: Any, is_coming: Callable[[], bool] = lambda: False) -> Any:
    """Return an association that we asked for, whose reactor takes no message off its queue any more.

    pynetdicom pauses the reactor while somebody waits for an answer, but takes it for paused an instant
    before it is. On a busy machine it takes the answer itself, which is lost: a match of a C-FIND is missing,
    or who waits gives up after the timeout. What comes over such an association is an answer, or an image of
    a C-GET; both are read by who waits.

    Who waits does not give up while a part of a message comes: a large image takes longer than the timeout.

    Parameters
    ----------
    is_coming : tells whether an image comes by another way, while nothing comes by this one.
    """

    def awaited(block: bool = False) -> Any:
        # Only the reactor asks without waiting.
        while block:
            try:
                return link.dimse.msg_queue.get(timeout=link.dimse.dimse_timeout)
            except Empty:
                if link.dul.idle_timer_expired() and not is_coming():
                    break
        return None, None

    link.dimse.get_msg = awaited
    return link
