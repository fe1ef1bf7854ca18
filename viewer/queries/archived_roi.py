"""A region of interest that an archive has of a query: a segmentation, structure set or structured report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import OptionError, SemblanceError

from .marked_region import Mark
from .query import Query, canvas_of

if TYPE_CHECKING:
    from retrieval.index import Index
    from retrieval.region import Region


def roi_region(index: Index, query: Query, uid: str, mark: Mark) -> Region | None:
    """Return the region that an object of the query's study marks in the query.

    Parameters
    ----------
    uid : the SOP instance UID of the object; ``UID#NAME`` means one of its regions, by name or number.
    mark : its margin, and in what unit that is.

    Raises
    ------
    OptionError : no archive of the index has it, or it marks nothing of this image.
    """
    # Late: a command line that is only parsed loads no reader.
    from retrieval.readers.dicom.uids import header_uids

    wanted, sign, part = uid.partition("#")
    try:
        with query_file(index, query) as file, index.object_of(header_uids(file)[0], wanted) as found:
            canvas = replace(canvas_of(index, query), file=lambda: nullcontext(file))
            return replace(mark, mask=Path(f"{found}{sign}{part}")).on(canvas)
    except OptionError as error:
        # The file has a name that means nothing to a user.
        problem = error.problem.replace(str(found), wanted) if error.options == ("mask",) else error.problem
        raise OptionError(problem, "roi") from error
    except SemblanceError as error:
        raise OptionError(str(error), "roi") from error


@contextmanager
def query_file(index: Index, query: Query) -> Iterator[Path]:
    """Lend the file of a query: the one that was given, or that of an indexed image. PictureError if none."""
    if query.path is not None:
        yield query.path
        return
    with index.file_of(query.shown) as path:
        yield path
