"""The readers: one place where files become images. Each format has a module; content decides which."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from pathlib import Path

from ..errors import PictureError
from ..picture import Picture
from .formats import FORMATS, claims, recognise
from .kinds import with_kind
from .limits import LimitError, Limits, current_limits
from .reasons import reason_of
from .source import Band, DamagedFrame, NotAPictureError, PassedOverError, Read, Source
from .tiling import Frame, Tiling
from .unread import refuse_known
from .warnings_off import quiet
from .window import Window

__all__ = ["DamagedFrame", "LimitError", "NotAPictureError", "PassedOverError", "read_pictures", "recognise"]

READING = 10
"""Raised when files are read in another way, so that an index tries again what it could not read."""

Report = Callable[[DamagedFrame], None]
"""Takes a frame that cannot be read."""


def read_pictures(
    path: Path,
    id: str,
    *,
    window: Window | None = None,
    salt: bytes = b"",
    frames: Collection[Frame] | None = None,
    limits: Limits | None = None,
    also: Collection[str] | None = None,
    as_mask: bool = False,
    tiling: Tiling | None = None,
    band: Band | None = None,
    report: Report | None = None,
) -> Iterator[Picture]:
    """Read the images of one file, one after the other; memory holds one frame if the format allows it.

    A damaged frame among others is left out and reported; all others are read.

    Parameters
    ----------
    id : the name of the file in its folder. Its one image is called so; several are called ``id#0``,
        ``id#1``, ….
    window : how values become grey levels; ``auto`` by default.
    salt : keys the hashes of patient, study and series.
    frames : the frames wanted, counted from 0, or tiles and fields of a slide; all by default.
    limits : how many pixels and frames are decoded, which the header is asked before; by default those in
        force. Time and memory are limited by ``guarded.read_guarded``, which calls this in another process.
    also : kinds to be read besides images of patients, keys of ``kinds.ALSO``; by default all of them.
    as_mask : return 1 for each value that is not zero, or nearly zero in JPEG, and 0 for the others.
    tiling : cuts slides into tiles, which are their images; by default their first level is one image.
    band : which part of the tiles of a slide is read; all by default.
    report : is called with each damaged frame that is left out.

    Raises
    ------
    NotAPictureError : the file is no image and does not say that it is one.
    PassedOverError : the file is of a kind that is not wanted.
    PictureError : everything else that can be wrong with a file, in one line that begins with ``id``; among
        it a damaged frame that was asked for in ``frames``, or that leaves no other frame of the file.
    """
    allowed = limits or current_limits()
    source = Source(Path(path), id, window or Window(), salt, frames, allowed, also, as_mask, tiling, band)
    first: str | None = None
    n_read = 0
    for item in _protected(source):
        if isinstance(item, Picture):
            n_read += 1
            yield item
            continue
        if frames is not None:
            raise PictureError(f"{id}#{item.number}: {item.reason}")
        first = first or _named(id, item.reason)
        if report is not None:
            report(item)
    # Of a part of a slide: another part may have tiles that can be read.
    if first is not None and not n_read and band is None:
        raise PictureError(first)


def _protected(source: Source) -> Iterator[Read]:
    """Yield what the reader of the file's format yields; all that fails becomes a PictureError."""
    pictures: Iterator[Read] | None = None
    while True:
        # Warnings are held back for one step at a time: a generator that waits must not hold a global filter.
        try:
            with quiet():
                if pictures is None:
                    pictures = _pictures(source)
                picture = next(pictures)
        except StopIteration:
            return
        except PictureError as error:
            raise type(error)(_named(source.id, str(error))) from error
        except Exception as error:  # decoders fail in many ways, and none of them may end a long run
            raise PictureError(_named(source.id, reason_of(error))) from error
        yield picture


def _pictures(source: Source) -> Iterator[Read]:
    if source.tiling is not None or any(not isinstance(frame, int) for frame in source.frames or ()):
        yield from _of_slide(source)
    else:
        yield from _of_format(source)


def _of_slide(source: Source) -> Iterator[Read]:
    """Yield the parts of a slide; of a file that is none, what its format has."""
    from .slides.opening import open_slide
    from .slides.reader import read

    with open_slide(source.path, source.salt) as slide:
        if slide is not None:
            yield from read(source, slide)
            return
    if source.band is None or not source.band.number:
        yield from _of_format(source)


def _of_format(source: Source) -> Iterator[Read]:
    kind = recognise(source.path)
    if kind is None:
        refuse_known(source.path)
        claimed = claims(source.path)
        size = source.path.stat().st_size
        if claimed:
            raise PictureError(
                "the file is empty" if size == 0 else f"the content is not that of a {claimed} file"
            )
        raise NotAPictureError(
            "no image: " + ("the file is empty" if size == 0 else "its content is of no known kind")
        )
    module = import_module(f".{FORMATS[kind].module}", __package__)
    yield from with_kind(module.read(source))


def _named(id: str, text: str) -> str:
    if not (id and text.startswith((f"{id}: ", f"{id}#"))):
        return f"{id or 'image'}: {' '.join(text.split())}"
    return id + " ".join(text.removeprefix(id).split())
