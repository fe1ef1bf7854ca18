"""Associations with another DICOM application: C-FIND, C-GET, C-MOVE, and what failed in one line (PS3.8)."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from retrieval.errors import ArchiveError

from .own_title import TITLE, own_title
from .quick_ack import quick_ack_handlers
from .reactor import leave_answers
from .spool import Piece
from .web import TransientError

_PENDING = (0xFF00, 0xFF01)
_WARNINGS = (0x0000, 0xB000)
_WAIT = 60
"""Seconds that an archive may be silent."""
_MOST_CONTEXTS = 120
"""Of the 128 that an association can have (PS3.8 section 9.3.2)."""
_N_PLAIN = 2
"""How many of the transfer syntaxes, the first ones, are those that archives send if they can no other."""
_FOR_NOW = 2
"""Of what is rejected: it may go better later (PS3.8 section 9.3.4)."""
_PAUSES = (0.5, 2.0, 8.0)
"""Seconds before an association is asked for again."""
_NO_DESTINATION = 0xA801
_NONE_SENT = 0xA702
"""None of the images can be sent, such as those that are not encoded as we take them (PS3.4 table C.4-3)."""

_RETIRED = {
    "RetiredUltrasoundMultiFrameImageStorage": "1.2.840.10008.5.1.4.1.1.3",
    "RetiredNuclearMedicineImageStorage": "1.2.840.10008.5.1.4.1.1.5",
    "RetiredUltrasoundImageStorage": "1.2.840.10008.5.1.4.1.1.6",
    "RetiredXRayAngiographicBiPlaneImageStorage": "1.2.840.10008.5.1.4.1.1.12.3",
    "RetiredVLImageStorage": "1.2.840.10008.5.1.4.1.1.77.1",
    "RetiredVLMultiFrameImageStorage": "1.2.840.10008.5.1.4.1.1.77.2",
}
"""SOP classes of images that archives still keep, and pynetdicom does not know."""

Store = Callable[[str, Sequence[Piece]], None]
"""Takes the SOP instance UID of an image that comes, and the pieces of its file (DICOM Part 10)."""


@dataclass(frozen=True)
class Peer:
    """Another application: its title, host and port, and what messages call it."""

    title: str
    host: str
    port: int
    shown: str

    def find(self, identifier: Any) -> list[Any]:
        """Return the matches of a C-FIND in the Study Root model."""
        from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find

        entity = _entity()
        entity.add_requested_context(Find)
        link = self._associated(entity, [])
        try:
            found = []
            for status, match in self._responses(link.send_c_find, identifier, Find):
                if (code := self._code(status)) in _PENDING:
                    found.append(match)
                elif code not in _WARNINGS:
                    raise ArchiveError(f"{self.shown}: refuses the query (status {code:04X})")
            if None in found:  # without it an index would take its images for deleted
                raise ArchiveError(f"{self.shown}: answers with a match that cannot be read")
            return found
        finally:
            _end(link)

    def get(
        self, identifier: Any, store: Store, kinds: Collection[str] = (), *, is_plain: bool = False
    ) -> None:
        """Let the images of an identifier come over the same association, by C-GET.

        Those that the archive cannot send do not come; no error says so.

        Parameters
        ----------
        kinds : the SOP classes of the images; none if they are not known.
        is_plain : take what is not compressed alone, as some archives send a class in one way only.

        Raises
        ------
        TransientError : the association was aborted, or the archive cannot send now.
        """
        from pynetdicom import build_role, evt
        from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Get

        failures: list[OSError] = []

        def stored(event: Any) -> int:
            try:
                store(str(event.request.AffectedSOPInstanceUID), [event.encoded_dataset()])
            except OSError as error:  # the disk is full: it must not look like a success
                failures.append(error)
                return 0xA700  # out of resources, PS3.4 table B.2-1
            return 0x0000

        entity = _entity()
        entity.add_requested_context(Get)
        contexts = _contexts(kinds, is_plain)
        for kind, syntaxes in contexts:
            entity.add_requested_context(kind, syntaxes)
        # In a C-GET the archive sends, so that we are the provider of storage (PS3.7 section D.3.3.4).
        roles = [build_role(kind, scp_role=True) for kind in dict(contexts)]
        link = self._associated(entity, [(evt.EVT_C_STORE, stored), *quick_ack_handlers()], roles)
        try:
            if all(one.abstract_syntax != Get for one in link.accepted_contexts):
                raise ArchiveError(f"{self.shown}: offers no C-GET; write it as cmove:TITLE@host:104")
            codes = [self._code(status) for status, _ in self._responses(link.send_c_get, identifier, Get)]
        finally:
            _end(link)
        if failures:
            raise ArchiveError(f"{self.shown}: what it sends cannot be written ({failures[0].strerror})")
        if codes and codes[-1] not in (*_WARNINGS, _NONE_SENT):
            raise TransientError(f"{self.shown}: does not send what was asked for (status {codes[-1]:04X})")

    def move(self, identifier: Any, title: str, is_coming: Callable[[], bool]) -> None:
        """Let the archive send the images of an identifier to an application that it knows, by C-MOVE.

        It may be silent here while ``is_coming`` tells that something comes there.

        Raises
        ------
        ArchiveError : it does not know the application.
        TransientError : the association was aborted, or none of the images was sent.
        """
        from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as Move

        entity = _entity()
        entity.add_requested_context(Move)
        link = leave_answers(self._associated(entity, []), is_coming)
        try:
            answers = self._responses(link.send_c_move, identifier, title, Move)
            codes = [self._code(status) for status, _ in answers]
        finally:
            _end(link)
        if _NO_DESTINATION in codes:
            raise ArchiveError(
                f"{self.shown}: knows no {title} to send to; tell it our title, host and port, or set {TITLE}"
            )
        if codes and codes[-1] not in _WARNINGS:
            raise TransientError(f"{self.shown}: does not send what was asked for (status {codes[-1]:04X})")

    def own_address(self) -> str:
        """Return the address of this machine at which the archive can reach it."""
        with self._reached() as reached:  # what the system would send from is where an answer comes to
            return str(reached.getsockname()[0])

    def _associated(self, entity: Any, handlers: list[Any], roles: list[Any] | None = None) -> Any:
        self._reached().close()
        about = {"evt_handlers": handlers, "ext_neg": roles or []}
        for pause in (*_PAUSES, None):
            link = entity.associate(self.host, self.port, ae_title=self.title, **about)
            if link.is_established:
                return leave_answers(link)
            # Archives limit how many there are at once, and ours end one after the other.
            if not (link.is_rejected and link.acceptor.primitive.result == _FOR_NOW):
                break
            if pause is None:
                raise TransientError(
                    f"{self.shown}: takes no more associations now; the same command goes on later"
                )
            time.sleep(pause)
        if link.is_rejected:
            raise ArchiveError(
                f"{self.shown}: refuses an association with {own_title()}; tell it of us, or set {TITLE}"
            )
        raise TransientError(f"{self.shown}: no association; does a DICOM archive listen there?")

    def _reached(self) -> socket.socket:
        # pynetdicom says only that there is no association; the system says why.
        try:
            return socket.create_connection((self.host, self.port), _WAIT)
        except OSError as error:
            raise TransientError(
                f"{self.shown}: no association ({error.strerror or 'no answer'}); see that it runs"
            ) from error

    def _responses(self, send: Callable[..., Any], *about: Any) -> Iterator[tuple[Any, Any]]:
        """Yield what an archive answers to a request, status and data set."""
        try:
            yield from send(*about)
        except RuntimeError:  # it was aborted before anything was asked
            yield None, None

    def _code(self, status: Any) -> int:
        if not status:  # pynetdicom's sign that the association was aborted, or timed out
            raise TransientError(f"{self.shown}: the association was aborted; the same command goes on")
        return int(status.Status)


def _entity() -> Any:
    from pynetdicom import AE

    entity = AE(ae_title=own_title())
    # Each stage has a limit of its own; none may wait for ever.
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = _WAIT
    return entity


def _end(link: Any) -> None:
    if link.is_established:
        link.release()


def _contexts(kinds: Collection[str], is_plain: bool) -> list[tuple[str, list[str]]]:
    """Return what images may come as: SOP classes with transfer syntaxes.

    Of a context with several syntaxes an archive takes one, and one that cannot transcode sends no image of
    another. Of few classes each syntax is therefore a context of its own.
    """
    syntaxes = transfer_syntaxes()[: _N_PLAIN if is_plain else None]
    if kinds and len(kinds) * len(syntaxes) <= _MOST_CONTEXTS:
        return [(kind, [syntax]) for kind in sorted(kinds) for syntax in syntaxes]
    return [(kind, syntaxes) for kind in storage_classes(_MOST_CONTEXTS)]


def storage_classes(most: int | None = None) -> list[str]:
    """Return the SOP classes of images and what belongs to them: all, or those that come first."""
    from pynetdicom import register_uid, sop_class
    from pynetdicom.service_class import StorageServiceClass

    for name, kind in _RETIRED.items():
        register_uid(kind, name, StorageServiceClass)
    names = [name for name in vars(sop_class) if name.endswith("Storage")]
    # Images first; what an archive has besides them is asked for as far as there is room.
    names.sort(key=lambda name: ("ImageStorage" not in name, name))
    return [str(getattr(sop_class, name)) for name in names][:most]


def transfer_syntaxes() -> list[str]:
    """Return the transfer syntaxes that we take, the plain ones first."""
    from pydicom import uid

    return [
        uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.JPEGLosslessSV1, uid.JPEG2000Lossless,
        uid.JPEGLSLossless, uid.RLELossless, uid.JPEGBaseline8Bit, uid.JPEG2000, uid.JPEGLossless,
        uid.JPEGExtended12Bit, uid.JPEGLSNearLossless, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K,
        uid.ExplicitVRBigEndian, uid.DeflatedExplicitVRLittleEndian,
    ]  # fmt: skip
