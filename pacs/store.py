"""Storing: the objects of a search go into an archive in one request, STOW-RS (PS3.18 section 10.5)."""

from __future__ import annotations

import io
import secrets
from collections.abc import Sequence
from typing import Any

from retrieval.errors import ArchiveError
from retrieval.readers.archive import Address

from .dicom_json import value_of, values_of
from .web import HttpClient

_FAILED, _STORED, _REASON = "00081198", "00081199", "00081197"
_UNSAID = "does not say if the results are stored; look there"


def store_objects(address: Address, objects: Sequence[Any]) -> int:
    """Store data sets in an archive and return how many it took.

    Raises
    ------
    ArchiveError : it is no DICOMweb archive, cannot be reached, or refuses one of them.
    """
    if address.scheme != "dicomweb":
        raise ArchiveError(f"{address.shown}: results are stored over DICOMweb; give dicomweb:http://…")
    boundary = secrets.token_hex(16)
    http = HttpClient(address.place, address.shown)
    headers = {
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
        "Accept": "application/dicom+json",
    }
    try:
        # Not tried again: a second try of what was stored already could leave it twice.
        with http.opened("POST", "studies", data=_body(objects, boundary), headers=headers) as response:
            # Status 200 without a word says that all is stored (table 10.5.3-1).
            if response.status_code == 200 and not response.content:
                return len(objects)
            result = _response_json(response, address)
    finally:
        http.close()
    # Some of them may be stored, and others not (status 202).
    if failed := _items(result, _FAILED):
        reason = value_of(failed[0], _REASON)
        raise ArchiveError(
            f"{address.shown}: refuses {len(failed)} of {len(objects)} results ({reason or 'no reason'})"
        )
    # A page to log in at is a good answer too: of what an archive says, only what it names is stored.
    if not (stored := _items(result, _STORED)):
        raise ArchiveError(f"{address.shown}: {_UNSAID}")
    if len(stored) < len(objects):
        raise ArchiveError(
            f"{address.shown}: names {len(stored)} of {len(objects)} results as stored; look there"
        )
    return len(stored)


def _body(objects: Sequence[Any], boundary: str) -> bytes:
    body = io.BytesIO()
    for one in objects:
        body.write(f"\r\n--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode())
        # Written apart: pydicom goes back to the beginning of what it writes.
        part = io.BytesIO()
        one.save_as(part, enforce_file_format=True)
        body.write(part.getvalue())
    body.write(f"\r\n--{boundary}--\r\n".encode())
    return body.getvalue()


def _response_json(response: Any, address: Address) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise ArchiveError(f"{address.shown}: {_UNSAID}") from error


def _items(result: Any, tag: str) -> list[Any]:
    """Return the items of a sequence of the answer; some archives wrap it into a list."""
    found = result[0] if isinstance(result, list) and result else result
    return values_of(found, tag)
