"""Early cut-off of a file that changed: if its images have the pixels that they had, nothing is encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from ...picture import Picture
from ..catalogue.database import Catalogue
from ..catalogue.encoded_picture import EncodedPicture
from ..catalogue.files import encoded_by
from ..catalogue.pictures import removed_frames
from ..catalogue.pixel_hashes import hashes_of, pixel_hash
from ..catalogue.representations import StoredRepresentation

_MOST = 4096
"""Images of a file that are compared: what is kept of all of them is in memory until the last one is."""


def known_pixels(
    catalogue: Catalogue, source: int, fitted: Iterable[StoredRepresentation]
) -> Mapping[str, bytes]:
    """Return the hashes of the images that all representations have of a file, by name; else none."""
    # What was removed comes back when its file changes.
    if not encoded_by(catalogue, source) >= {b.id for b in fitted} or removed_frames(catalogue, source):
        return {}
    found = hashes_of(catalogue, source)
    return found if len(found) <= _MOST else {}


def unchanged(
    pictures: Iterator[Picture],
    known: Mapping[str, bytes],
    salt: bytes,
    describe: Callable[[Picture], EncodedPicture],
) -> tuple[list[EncodedPicture] | None, Iterator[Picture] | None]:
    """Compare the images of a file with what the index knows of them.

    Parameters
    ----------
    known : the hashes of all images that the index has of the file, by name.
    describe : says what is kept of an image besides what it is encoded to.

    Returns
    -------
    same : what is kept of the images; None if one of them is another, came, or is gone.
    rest : all images, if the first one differs; else None, and the file is to be read again.
    """
    same: list[EncodedPicture] = []
    for picture in pictures:
        if known.get(picture.id) != pixel_hash(picture, salt):
            # Most files hold one image, which is then decoded once.
            return None, None if same else chain([picture], pictures)
        same.append(describe(picture))
    return (same if len(same) == len(known) else None), None
