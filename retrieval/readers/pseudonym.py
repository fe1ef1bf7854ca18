"""Pseudonyms: keyed hashes in the place of identifiers."""

from __future__ import annotations

import hashlib

ANY_ISSUER = "patient_any_issuer"
"""The tag with the hash of a PatientID alone, of files that name its issuer, too."""


def hashed(salt: bytes, kind: str, value: str) -> str:
    """Return 16 hexadecimal digits for an identifier: BLAKE2b keyed with the salt, apart for each kind.

    Without the salt nobody can try identifiers out. Equal identifiers of one kind and salt give equal digits.
    """
    # RFC 7693 section 2.5: a key has at most 64 bytes; longer salts are hashed first.
    key = salt if len(salt) <= 64 else hashlib.blake2b(salt).digest()
    person = kind.encode()[:16]
    # File names may hold bytes that are no UTF-8; they come as lone surrogates.
    data = value.encode("utf-8", "surrogateescape")
    return hashlib.blake2b(data, digest_size=8, key=key, person=person).hexdigest()
