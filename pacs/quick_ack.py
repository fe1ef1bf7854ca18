"""Quick acknowledgements: without them a sender waits 40 ms for each image, longer than all else takes."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any


def quick_ack_handlers() -> list[tuple[Any, Any]]:
    """Return handlers of pynetdicom that let the system acknowledge at once what an association brings.

    Nagle's algorithm (RFC 896) there and delayed acknowledgements (RFC 1122) here wait for each other.
    """
    from pynetdicom import evt

    # Linux forgets it with each answer, so that it is asked for again and again.
    return [(moment, _acknowledge) for moment in (evt.EVT_CONN_OPEN, evt.EVT_DATA_RECV, evt.EVT_DATA_SENT)]


def _acknowledge(event: Any) -> None:
    transport = event.assoc.dul.socket
    if transport is not None and transport.socket is not None:
        with suppress(OSError):  # it was closed meanwhile
            transport.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
