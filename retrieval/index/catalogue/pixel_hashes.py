"""The hashes of pixels: by them an update sees that a file changed, and its images did not.

They are in a table that older versions neither read nor write. A row speaks of one image, whose number is
never given twice: so it never speaks of other pixels than those that its vectors were made of. Where none is,
the file is encoded again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from ...picture import Picture
from .database import Catalogue
from .number_set import NumberSet

_SIZE = 16  # bytes: images are told apart by accident only, not by an attacker
_TABLE = """CREATE TABLE IF NOT EXISTS pixels (
    picture INTEGER PRIMARY KEY,
    hash BLOB NOT NULL
)"""


def pixel_hash(picture: Picture, salt: bytes) -> bytes:
    """Return the hash of all that an image is encoded from, keyed: nobody without the index can test it."""
    # SHA-256 has instructions of its own, and takes half the time of BLAKE2b.
    about = f"{picture.pixels.shape} {picture.spacing} "
    made = hashlib.sha256(len(salt).to_bytes(2, "big") + salt + about.encode())
    made.update(picture.pixels.data)
    return made.digest()[:_SIZE]


def note_pixels(catalogue: Catalogue, found: Iterable[tuple[int, bytes]]) -> None:
    """Within a transaction: record the hashes of new images, by their numbers."""
    catalogue.run(_TABLE)
    catalogue.run_many("INSERT OR REPLACE INTO pixels VALUES (?, ?)", found)


def hashes_of(catalogue: Catalogue, source: int) -> Mapping[str, bytes]:
    """Return the hashes of the images of a file, by name; none if that of one of them is not known."""
    if not _is_there(catalogue):
        return {}
    sql = "SELECT p.name, x.hash FROM picture p LEFT JOIN pixels x ON x.picture = p.id WHERE p.source = ?"
    found = dict(catalogue.rows(sql, source))
    return found if all(found.values()) else {}


def encoded_before(catalogue: Catalogue) -> NumberSet:
    """Return the files to be read again that a representation has encoded as they were."""
    sql = """SELECT id FROM source s WHERE state IN ('pending', 'failed')
        AND EXISTS (SELECT 1 FROM encoded e WHERE e.source = s.id)"""
    return NumberSet(catalogue.numbers(sql))


def drop_hashes(catalogue: Catalogue, pictures: str, values: Iterable[tuple[int]]) -> None:
    """Within a transaction: delete the hashes of images, by an SQL query of their numbers for each value."""
    if _is_there(catalogue):
        catalogue.run_many(f"DELETE FROM pixels WHERE picture IN ({pictures})", values)


def drop_strays(catalogue: Catalogue) -> None:
    """Delete the hashes of images that are gone, which older versions leave behind, in one commit."""
    strays = "FROM pixels WHERE picture NOT IN (SELECT id FROM picture)"
    if _is_there(catalogue) and catalogue.rows(f"SELECT 1 {strays} LIMIT 1"):
        with catalogue.transaction():
            catalogue.run(f"DELETE {strays}")


def _is_there(catalogue: Catalogue) -> bool:
    return bool(catalogue.rows("SELECT 1 FROM sqlite_master WHERE name = 'pixels'"))
