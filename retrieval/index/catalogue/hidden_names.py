"""Hidden names: pseudonyms for the names of files and folders that name patients.

A name becomes a keyed hash, part by part, so that a folder can still be named. A path, which is needed to
read its file again, is encrypted: the key brings it back. It is encrypted in the same way each time, so that
it can be looked up: SIV mode (RFC 5297, section 2) with keyed BLAKE2b as its function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import count

from ...errors import PictureError
from ...readers.pseudonym import Key, hashed
from ...readers.tiling import frame_of

_MARK = b"\0sealed:"
_BLOCK = 64  # bytes: all paths of up to 62 bytes have one length
_SIV = 16


class Names:
    """Turn names and paths into what a catalogue keeps, and paths back.

    Parameters
    ----------
    key : of the index.
    are_hidden : False leaves all as it is.
    """

    def __init__(self, key: Key, are_hidden: bool) -> None:
        self._key, self.are_hidden = key, are_hidden

    def name(self, name: str) -> str:
        """Return what a file ``a/b.dcm``, or a folder ``a/``, is called in the index."""
        if not self.are_hidden:
            return name
        parts = name.removesuffix("/").split("/")
        hidden = (hashed(self._key, "name", "/".join(parts[: i + 1])) for i in range(len(parts)))
        return "/".join(hidden) + "/" * name.endswith("/")

    def meant(self, name: str) -> Iterator[str]:
        """Yield what a name, also of a frame ``x.dcm#3``, may be in the index: itself, or its pseudonym."""
        yield name
        if self.are_hidden:
            yield self.name(name)
            file, mark, frame = name.rpartition("#")
            if mark and frame_of(frame) is not None:
                yield f"{self.name(file)}#{frame}"

    def known(self, name: str, is_known: Callable[[str], bool]) -> str | None:
        """Return the first of what a name may be in the index that is known there; None if none is."""
        return next(filter(is_known, self.meant(name)), None)

    def shown(self, name: str) -> str:
        """Return what an image that is not in the index, or a folder, is called where it is shown."""
        *_, last = self.meant(name)
        return last

    def keep(self, path: bytes) -> bytes:
        """Return what the catalogue keeps of a path."""
        if not self.are_hidden:
            return path
        # The length goes with it, and zeros fill the last block: the size says little of the name.
        text = len(path).to_bytes(2, "big") + path
        text += bytes(-len(text) % _BLOCK)
        siv = self._siv(text)
        return _MARK + siv + self._crypt(text, siv)

    def path(self, kept: bytes) -> bytes:
        """Return a path again. Raise PictureError if the key is not at hand, or is not that of the path."""
        if not kept.startswith(_MARK):
            return kept
        siv, text = kept[len(_MARK) :][:_SIV], kept[len(_MARK) + _SIV :]
        text = self._crypt(text, siv)
        if self._siv(text) != siv:
            raise PictureError(
                "the names of its files are hidden, and only the key brings them back; give --key FILE"
            )
        return text[2 : 2 + int.from_bytes(text[:2], "big")]

    def _siv(self, text: bytes) -> bytes:
        return blake2b(text, digest_size=_SIV, key=self._key[:64], person=b"path siv").digest()

    def _crypt(self, text: bytes, siv: bytes) -> bytes:
        """Add the key stream of a text to it, which both encrypts and decrypts."""
        key = self._key[:64]
        stream = (
            blake2b(siv + i.to_bytes(4, "big"), key=key, person=b"path stream").digest() for i in count()
        )
        blocks = (text[i : i + _BLOCK] for i in range(0, len(text), _BLOCK))
        pairs = zip(blocks, stream, strict=False)
        return b"".join(bytes(a ^ b for a, b in zip(block, own, strict=False)) for block, own in pairs)
