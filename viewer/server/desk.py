"""What the server holds for all who ask: the indexes, the workers, and what was brought or made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrieval.index.catalogue.connection import on_error
from retrieval.metadata.reference_table import References
from retrieval.readers.archive import Address
from viewer.access_log import log_access, log_file

from .collection import Collection, Collections
from .images import ImageSource
from .problem import not_found
from .shelf import Shelf
from .slides import Seen
from .uploads import Uploads
from .work import Workers

_MADE, _MADE_BYTES = 64, 128_000_000


@dataclass(frozen=True)
class MadeFile:
    """A file that was made for one who asked: its name, its type, and its bytes."""

    name: str
    media_type: str
    content: bytes


def _made() -> Shelf[MadeFile]:
    # Files that nobody fetches fall off the end.
    return Shelf(_MADE, _MADE_BYTES, lambda file: len(file.content))


@dataclass(frozen=True)
class Desk:
    """Everything that answers need.

    Parameters
    ----------
    collections : the indexes.
    references : what a table says about labels; None without one.
    archive : where the page may store results; None for nowhere.
    viewer_link : of the archive's viewer, with ``{study}`` and the like in it; empty for none.
    access_log : the file that says who was shown what; None if nobody wants it.
    """

    collections: Collections
    references: References | None = None
    workers: Workers = field(default_factory=Workers)
    images: ImageSource = field(default_factory=ImageSource)
    seen: Seen = field(default_factory=Seen)
    uploads: Uploads = field(default_factory=Uploads)
    made: Shelf[MadeFile] = field(default_factory=_made)
    access_log: Path | None = field(default_factory=log_file)
    archive: Address | None = None
    viewer_link: str = ""

    @classmethod
    def of(cls, folders: Sequence[Path], references: References | None = None, **about: Any) -> Desk:
        """Open indexes; ``about`` are other fields. Raise IndexFolderError if an index cannot be read."""
        collections = Collections(folders)
        with on_error(collections.close):
            return cls(collections, references, **about)

    def collection(self, id: str) -> Collection:
        """Return the index of an id. Raise RefusedError if there is none."""
        found = self.collections.get(id)
        if found is None:
            raise not_found(f"index {id}")
        return found

    def log(
        self, collection: Collection, what: str, asked: Sequence[str] = (), shown: Sequence[str] = ()
    ) -> None:
        """Write into the access log, if there is one, what was asked for and is about to be shown.

        SemblanceError if it cannot be written: what is not logged is not shown.
        """
        if self.access_log is not None and (asked or shown):
            log_access(self.access_log, collection.folder, f"serve {what}", None, asked, shown)

    def put(self, name: str, media_type: str, content: bytes) -> str:
        """Keep a file that was made and return its address."""
        # The name of the shelf cannot be guessed: a heat map shows an image of a patient.
        return f"/made/{self.made.put(MadeFile(name, media_type, content))}/{name}"
