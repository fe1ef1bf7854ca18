"""A receiver: other applications store images here by C-STORE (PS3.4 annex B), or get a failure.

The title of who stores is checked if titles are given; titles are no secret, so that a network must be closed
by other means.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from retrieval.errors import ArchiveError, OptionError, SettingError
from retrieval.readers.archive import SeriesKey

from .association import storage_classes
from .file_meta import file_head
from .instance_uid import checked_uid
from .own_title import is_title
from .quick_ack import quick_ack_handlers
from .spool import Piece, Spool

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
MISMATCH = 0xA900
"""The data set does not match its SOP class, or the request. Statuses of PS3.4 table B.2-1."""
NOT_UNDERSTOOD = 0xC000

_DEFLATED = "1.2.840.10008.1.2.1.99"
"""Not taken, as headers are compressed too; everybody offers Implicit VR Little Endian (PS3.5 section 10)."""
_INSTANCE, _STUDY, _SERIES = 0x00080018, 0x0020000D, 0x0020000E
"""The tags of the UIDs, in the order in which a data set has them; nothing behind the last is read."""
_MOST_ASSOCIATIONS = 16
_SILENCE = 60
"""Seconds that who stores may be silent."""


@dataclass(frozen=True)
class Incoming:
    """An image that was sent: its SOP instance UID, its series, and the pieces of its file."""

    uid: str
    series: SeriesKey
    content: tuple[Piece, ...]


Keep = Callable[[Incoming], int]
"""Keeps an image and returns the status of the answer; called in the thread of an association."""


@dataclass(frozen=True)
class Listening:
    """Where to listen, as whom, and to whom.

    Parameters
    ----------
    port : 0 for any that is free.
    host : of which of our addresses; by default this machine alone can reach us.
    title : our own; who calls somebody else is refused.
    peers : titles of who may store; nobody else if there are any.
    """

    port: int = 11112
    host: str = "127.0.0.1"
    title: str = "SEMBLANCE"
    peers: Collection[str] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.port < 1 << 16:
            raise OptionError(f"{self.port} is no port; give 1 to 65535", "port")
        for title in (self.title, *self.peers):
            if not is_title(title):
                raise SettingError(f"{title!r} is no title of an application; give 1 to 16 characters")

    @property
    def is_local(self) -> bool:
        """Tell whether this machine alone can reach us."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


class Receiver:
    """Listen for C-STORE and C-ECHO until ``close``.

    Raises
    ------
    ArchiveError : the port is taken, or the address is not ours.
    """

    def __init__(self, where: Listening, keep: Keep) -> None:
        from pynetdicom import evt

        def stored(event: Any) -> int:
            return _stored(event, keep)

        try:
            self._server = _entity(where).start_server(
                (where.host, where.port),
                block=False,
                evt_handlers=[(evt.EVT_C_STORE, stored), *quick_ack_handlers()],
            )
        except OSError as error:
            raise ArchiveError(
                f"{where.host}:{where.port}: cannot listen there ({error.strerror}); choose another port"
            ) from error

    @property
    def port(self) -> int:
        """Return the port that it listens at."""
        return int(self._server.server_address[1])

    def is_receiving(self) -> bool:
        """Tell whether anybody has sent anything a short while ago."""
        return any(not link.dul.idle_timer_expired() for link in self._server.active_associations)

    def close(self) -> None:
        """End: associations are aborted, and no more are accepted."""
        self._server.shutdown()


def into(spool: Spool) -> Keep:
    """Return what keeps images in a spool."""

    def keep(image: Incoming) -> int:
        # One that is there already is a success: whoever sends it again need not go on.
        spool.add(image.series, image.uid, image.content)
        return SUCCESS

    return keep


def _entity(where: Listening) -> Any:
    from pynetdicom import AE, ALL_TRANSFER_SYNTAXES
    from pynetdicom.sop_class import Verification

    entity = AE(ae_title=where.title)
    # Who calls somebody else is most often set up for another receiver.
    entity.require_called_aet = True
    entity.require_calling_aet = list(where.peers)
    entity.maximum_associations = _MOST_ASSOCIATIONS
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = _SILENCE
    entity.add_supported_context(Verification)
    # Compressed as it is: what no reader can decode is skipped with a reason, and is not lost.
    syntaxes = [syntax for syntax in ALL_TRANSFER_SYNTAXES if syntax != _DEFLATED]
    for kind in storage_classes():
        entity.add_supported_context(kind, syntaxes)
    return entity


def _stored(event: Any, keep: Keep) -> int:
    """Keep what came, and return the status of the answer."""
    try:
        image = _incoming(event)
    except Exception:  # bytes from a network: pydicom fails on them in many ways
        return NOT_UNDERSTOOD
    if image is None:
        return MISMATCH
    try:
        return keep(image)
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
        print(f"semblance: an image is refused, it cannot be written: {reason}", file=sys.stderr, flush=True)
        return OUT_OF_RESOURCES


def _incoming(event: Any) -> Incoming | None:
    """Return the image of a request; None if its data set says that it is another one."""
    from pydicom.filereader import read_dataset
    from pydicom.tag import Tag

    request, syntax = event.request, event.context.transfer_syntax
    stream = request.DataSet
    stream.seek(0)
    header = read_dataset(
        stream,
        syntax.is_implicit_VR,
        syntax.is_little_endian,
        stop_when=lambda tag, vr, length: tag > _SERIES,
        specific_tags=[Tag(tag) for tag in (_INSTANCE, _STUDY, _SERIES)],
    )
    uid = checked_uid(str(request.AffectedSOPInstanceUID), "the request")
    if str(header.get("SOPInstanceUID")) != uid:
        return None
    study, series = (
        checked_uid(str(header.get(keyword) or ""), "the data set")
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID")
    )
    head = file_head(checked_uid(str(request.AffectedSOPClassUID), "the request"), uid, syntax)
    return Incoming(uid, SeriesKey(study, series), (head, stream.getbuffer()))
