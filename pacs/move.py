"""DIMSE for archives without C-GET: they send by C-MOVE, to a receiver of our own (PS3.4 section C.4.2)."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from retrieval.errors import ArchiveError
from retrieval.readers.archive import Address

from .association import Store
from .dimse import Dimse
from .own_title import own_title
from .receiver import SUCCESS, Incoming, Listening, Receiver
from .spool import Piece

PORT = "SEMBLANCE_PORT"
"""The variable of the environment with the port at which the archive reaches us."""
_USUAL = "11112"
_NOT_AUTHORIZED = 0x0124
"""PS3.7 section C.5.11: nobody asked for this image."""


class DimseMove(Dimse):
    """An archive that sends to us, ``cmove:TITLE@host:104``; it must know our title, host and port.

    It listens when files are fetched, at the address by which this machine reaches the archive, and takes
    only images that were asked for.
    """

    def __init__(self, address: Address, n_associations: int = 4) -> None:
        super().__init__(address, n_associations)
        self._port = _port()
        self._lock = threading.Lock()
        self._receiver: Receiver | None = None
        self._wanted: dict[str, Store] = {}

    def _transfer(
        self, identifier: Any, uids: Sequence[str], store: Store, kinds: Mapping[str, str], is_plain: bool
    ) -> None:
        with self._lock:  # several associations move at the same time, to one receiver
            if self._receiver is None:
                where = Listening(self._port, self._peer.own_address(), own_title())
                self._receiver = Receiver(where, self._keep)
            receiver = self._receiver
        failures: list[OSError] = []

        def stored(uid: str, content: Sequence[Piece]) -> None:
            try:
                store(uid, content)
            except OSError as error:  # the disk is full: the archive may say no more than that one has failed
                failures.append(error)
                raise

        self._wanted |= dict.fromkeys(uids, stored)
        try:
            # It ends when all of them were sent, so that none comes later.
            self._peer.move(identifier, own_title(), receiver.is_receiving)
        finally:
            for uid in uids:
                self._wanted.pop(uid, None)
            if failures:
                raise ArchiveError(
                    f"{self.address.shown}: what it sends cannot be written ({failures[0].strerror})"
                )

    def _keep(self, image: Incoming) -> int:
        store = self._wanted.get(image.uid)
        if store is None:
            return _NOT_AUTHORIZED
        store(image.uid, image.content)
        return SUCCESS

    def close(self) -> None:
        """Listen no more."""
        if self._receiver is not None:
            self._receiver.close()
            self._receiver = None


def _port() -> int:
    text = os.environ.get(PORT, _USUAL)
    if not (text.isdecimal() and int(text) < 1 << 16):
        raise ArchiveError(f"{PORT}={text}: is no port; give a number below 65536")
    return int(text)
