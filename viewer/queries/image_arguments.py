"""The argument IMAGE: a file, one frame of it (``file.dcm#12``), or a folder of files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import PictureError

from ..safe_text import printable

if TYPE_CHECKING:
    from retrieval.picture import Picture
    from retrieval.readers.tiling import Frame

Reader = Callable[[Path, str, "tuple[Frame, ...] | None"], Iterator["Picture"]]
"""What reads the images of a file, given its path, its name, and the frames wanted (None: all)."""


@dataclass(frozen=True)
class ImageFile:
    """A file that was named.

    Parameters
    ----------
    path : where it is.
    name : what it is called in the answer.
    frames : the frames wanted, from 0; None for all.
    is_named : whether the user named this very file; False if it was found in a folder.
    """

    path: Path
    name: str
    frames: tuple[Frame, ...] | None = None
    is_named: bool = True


def find_images(arguments: Sequence[str]) -> list[ImageFile]:
    """Find the files that the arguments name, in their order.

    Raises
    ------
    PictureError : an argument that is neither a file nor a folder.
    """
    return [image for argument in arguments for image in _images(argument)]


def is_on_disk(argument: str) -> bool:
    """Tell whether an argument names a file, a frame of a file, or a folder."""
    path = Path(argument)
    # A file may have # and a number in its own name, so a whole name goes before a frame.
    return path.exists() or (_frame(argument) is not None and Path(argument.rpartition("#")[0]).is_file())


def read_images(images: Sequence[ImageFile], read: Reader) -> Iterator[Picture]:
    """Read the images of files, one after the other.

    A file that the user named must be readable. One that was found in a folder is passed over, with a line on
    stderr if it claims to be an image.
    """
    from retrieval.readers import NotAPictureError

    for image in images:
        try:
            yield from read(image.path, image.name, image.frames)
        except PictureError as error:
            # Who names a file wants it; who names a folder wants what can be read in it.
            if image.is_named:
                raise
            # Readmes and tables beside images are no news; a damaged image is.
            if not isinstance(error, NotAPictureError):
                print(printable(f"skipped {error}"), file=sys.stderr)


def _images(argument: str) -> Iterator[ImageFile]:
    from retrieval.readers.folder import find_files

    path, frame = Path(argument), _frame(argument)
    # Path("") is the current folder, which nobody has named.
    if not argument:
        raise PictureError("the name of an image is empty; is a variable of the shell unset?")
    if path.is_dir():
        for found in find_files(path):
            yield ImageFile(found.path, found.name, is_named=False)
    elif path.exists():
        yield ImageFile(path, argument)
    elif frame is not None and Path(argument.rpartition("#")[0]).is_file():
        file = argument.rpartition("#")[0]
        yield ImageFile(Path(file), file, (frame,))
    else:
        raise PictureError(f"{argument}: no such file or folder; check the path")


def _frame(argument: str) -> Frame | None:
    from retrieval.readers.tiling import frame_of

    return frame_of(argument.rpartition("#")[2]) if "#" in argument else None
