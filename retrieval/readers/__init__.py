"""The readers: one place where files become pictures. Each format has a module; content decides which."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib import import_module
from pathlib import Path

from ..errors import PictureError
from ..picture import Picture
from .formats import FORMATS, claims, recognise
from .source import MAX_PIXELS, NotAPictureError, Source
from .warnings_off import quiet
from .window import Window

__all__ = ["MAX_PIXELS", "NotAPictureError", "read_pictures", "recognise"]


def read_pictures(
    path: Path,
    id: str,
    *,
    window: Window | None = None,
    salt: bytes = b"",
    frames: Collection[int] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Picture]:
    """Read the pictures of one file, one after the other; memory holds one frame where the format allows it.

    Parameters
    ----------
    id : the name of the file in its folder. Its one picture is called so; several are called ``id#0``,
        ``id#1``, ….
    window : how values become grey levels; ``auto`` where it is None.
    salt : keys the hashes of patient, study and series.
    frames : the frames wanted, counted from 0; all where it is None.
    max_pixels : the most rows × cols that are decoded of one frame; the header is asked before.

    Raises
    ------
    NotAPictureError : the file is no picture and does not say that it is one.
    PictureError : everything else that can be wrong with a file, in one line that begins with ``id``. The
        frames before a damaged one have been yielded by then.
    """
    source = Source(Path(path), id, window or Window(), salt, frames, max_pixels)
    pictures: Iterator[Picture] | None = None
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
            raise type(error)(_named(id, str(error))) from error
        except Exception as error:  # decoders fail in many ways, and none of them may end a long run
            raise PictureError(_named(id, _reason(error))) from error
        yield picture


def _pictures(source: Source) -> Iterator[Picture]:
    kind = recognise(source.path)
    if kind is None:
        claimed = claims(source.path)
        size = source.path.stat().st_size
        if claimed:
            raise PictureError(
                "the file is empty" if size == 0 else f"the content is not that of a {claimed} file"
            )
        raise NotAPictureError(
            "no picture: " + ("the file is empty" if size == 0 else "its content is of no known kind")
        )
    module = import_module(f".{FORMATS[kind].module}", __package__)
    pictures: Iterator[Picture] = module.read(source)
    return pictures


def _named(id: str, text: str) -> str:
    if not (id and text.startswith((f"{id}: ", f"{id}#"))):
        return f"{id or 'picture'}: {' '.join(text.split())}"
    return id + " ".join(text.removeprefix(id).split())


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split())
    if text.startswith("cannot identify image file"):  # Pillow goes on with the path
        text = "the header is damaged"
    return f"cannot be decoded: {text[:200] or type(error).__name__}"
