"""Text on images as an update sees it: images are marked, or left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...picture import Picture
from ...readers import PassedOverError
from ...readers.kinds import Kind
from ...readers.overlaid_text import sees_text
from ..catalogue.privacy import Privacy, TextMark

_HEADER = "passed over: its header says that text is burned in (--no-burned-in)"
_SEEN = "passed over: text was seen in its pixels (--no-burned-in)"


def marks_of(picture: Picture, privacy: Privacy) -> TextMark:
    """Return what is known of text on an image that the index takes."""
    marks = TextMark.HEADER if _says_so(picture) else TextMark.NONE
    if privacy.find_text == "off":
        return marks
    # Where images with text are left out, none comes here.
    is_seen = privacy.burned_in == "on" and _shows_text(picture)
    return marks | TextMark.LOOKED | (TextMark.SEEN if is_seen else TextMark.NONE)


def without_text(pictures: Iterable[Picture], privacy: Privacy) -> Iterator[Picture]:
    """Yield the images of a file on which there is no text.

    Raises
    ------
    PassedOverError : its header says that text is burned in, or text was seen on all of its images.
    """
    n_taken = n_seen = 0
    for picture in pictures:
        if _says_so(picture):
            raise PassedOverError(_HEADER)
        if privacy.find_text == "on" and _shows_text(picture):
            n_seen += 1
            continue
        n_taken += 1
        yield picture
    if n_seen and not n_taken:
        raise PassedOverError(_SEEN)


def _shows_text(picture: Picture) -> bool:
    # A slide's text is on its label, which is never read; tiles are too many to be looked at for none.
    return picture.metadata.get("kind") != Kind.TILE and sees_text(picture)


def _says_so(picture: Picture) -> bool:
    return picture.metadata.get("burned_in") == "YES"
