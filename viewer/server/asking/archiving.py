"""Searches into the archive that the server was given, and links to its viewer; a page names neither."""

from __future__ import annotations

from typing import TypedDict

from retrieval.errors import OptionError
from viewer.archiving import store_search, viewer_link

from ..desk import Desk
from ..problem import Kind, RefusedError
from .ask import Ask
from .search import searched


class SentObjects(TypedDict):
    """What was stored where."""

    archive: str
    objects: int


def send_search(desk: Desk, index: str, ask: Ask) -> SentObjects:
    """Store a search about an indexed image. SemblanceError or RefusedError if it cannot be stored."""
    if desk.archive is None:
        raise RefusedError(
            Kind.NOT_FOUND, "the server was given no archive; start it with --to dicomweb:http://…"
        )
    # Refused before the search, which takes longer.
    if ask.image is None:
        raise OptionError("it belongs to no study of the archive; ask with an image of the index", "upload")
    if ask.volume:
        raise OptionError("a report is of one image; ask without the volume", "volume")
    found = searched(desk, index, ask)
    question = found.question
    stored = store_search(
        question.opened.index, question.query, found.answer, question.options.region, desk.archive
    )
    return {"archive": desk.archive.shown, "objects": stored.n_objects}


def link_of(desk: Desk, index: str, image: str) -> str:
    """Return the address of an image in the archive's viewer. SemblanceError if its UIDs are not known."""
    if not desk.viewer_link:
        raise RefusedError(Kind.NOT_FOUND, "the server was given no viewer; start it with --viewer-link")
    collection = desk.collection(index)
    desk.log(collection, "link", shown=[image])
    opened = collection.now
    return viewer_link(opened.index, image, desk.viewer_link)
