"""Pseudonyms: keyed hashes in the place of identifiers.

Who has the key can try identifiers out, and who lacks it cannot. Numbers of patients are few and easily
tried, so theirs is a slow hash; UIDs and paths are long, and have a fast one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import Self

ANY_ISSUER = "patient_any_issuer"
"""The tag with the hash of a PatientID alone, of files that name its issuer, too."""

FAST, SLOW = 1, 2
"""The hash functions, by the number that an index keeps: BLAKE2b for all kinds; scrypt for patients."""

_COST = 1 << 12
"""scrypt's N: with r = 8 a hash takes 4 MiB and about 13 ms of a core."""


class Key(bytes):
    """The secret of the hashes of an index.

    Attributes
    ----------
    function : the number of the hash function of its patients.
    is_known : False if the key is not at hand. Its hashes then match nothing, and are never stored.
    """

    function: int = FAST
    is_known: bool = True

    @classmethod
    def of(cls, secret: bytes, function: int) -> Self:
        """Make a key of a secret and the number of a hash function."""
        key = cls(secret)
        key.function = function
        return key

    @classmethod
    def unknown(cls, function: int) -> Self:
        """Stand for a key that is not at hand."""
        key = cls.of(secrets.token_bytes(16), function)
        key.is_known = False
        return key


def hashed(salt: bytes, kind: str, value: str) -> str:
    """Return 16 hexadecimal digits for an identifier, keyed with the salt, apart for each kind.

    It is BLAKE2b, or for a ``patient`` what the salt says, if that is a ``Key``. Equal identifiers of one
    kind and salt give equal digits.
    """
    # RFC 7693 section 2.5: a key has at most 64 bytes; longer salts are hashed first.
    key = salt if len(salt) <= 64 else hashlib.blake2b(salt).digest()
    # File names may hold bytes that are no UTF-8; they come as lone surrogates.
    data = value.encode("utf-8", "surrogateescape")
    if kind == "patient" and isinstance(salt, Key) and salt.function == SLOW:
        return _slow(bytes(key), data)
    person = kind.encode()[:16]
    return hashlib.blake2b(data, digest_size=8, key=key, person=person).hexdigest()


@lru_cache(maxsize=1 << 16)
def _slow(key: bytes, data: bytes) -> str:
    """Hash an identifier by scrypt (RFC 7914), once a process: a patient has many files."""
    return hashlib.scrypt(data, salt=key, n=_COST, r=8, p=1, dklen=8).hex()


def remembered(key: Key, name: str, pseudonym: str) -> tuple[str, str]:
    """Return a key and a value by which a slow hash may be kept, in an index that holds the name as well.

    Without the key they tell nothing: the value is the pseudonym, hidden by a keyed hash of the name.
    """
    place, mask = _place(key, name)
    return place, f"{int(pseudonym, 16) ^ mask:016x}"


def recalled(key: Key, name: str, kept: Mapping[str, str]) -> str | None:
    """Return the pseudonym of a patient from what was kept by ``remembered``; None if it was not."""
    place, mask = _place(key, name)
    return f"{int(kept[place], 16) ^ mask:016x}" if place in kept else None


def _place(key: Key, name: str) -> tuple[str, int]:
    data = name.encode("utf-8", "surrogateescape")
    made = hashlib.blake2b(data, digest_size=16, key=key[:64], person=b"person kept").digest()
    return made[:8].hex(), int.from_bytes(made[8:], "big")
