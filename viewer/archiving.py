"""Results into an archive, as the command line and the page store them, and links to the archive's viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from retrieval.errors import NotInstalledError, OptionError

from .answer import Answer
from .queries.archived_roi import query_file
from .queries.query import Query

if TYPE_CHECKING:
    from pacs.search import Part
    from retrieval.index import Index
    from retrieval.readers.archive import Address
    from retrieval.region import Region

_PLACES = ("{study}", "{series}", "{image}")


class Stored(NamedTuple):
    """How many objects an archive took, and whether the region that was asked about is among them."""

    n_objects: int
    has_segmentation: bool


def check_installed(option: str) -> None:
    """Raise NotInstalledError if results cannot be written here; ``option`` asked for it."""
    from importlib.util import find_spec

    if find_spec("highdicom") is None:
        raise NotInstalledError(
            "highdicom", f"is not installed, which --{option} needs", "pip install 'semblance[pacs]'", "pacs"
        )


def store_search(
    index: Index,
    query: Query,
    answer: Answer,
    region: Region | None,
    archive: Address,
    *,
    with_sheet: bool = False,
) -> Stored:
    """Store the report of an answer in an archive, and return what it took.

    Parameters
    ----------
    region : what was asked about, in pixels; None for all of the image.
    with_sheet : whether to store the answer sheet too, which shows images of other patients.

    Raises
    ------
    ArchiveError : the archive cannot be reached, or refuses.
    PictureError : the query is no DICOM image that a report can refer to.
    """
    from pacs.results import make_objects
    from pacs.search import Search
    from pacs.store import store_objects

    with query_file(index, query) as path:
        search = Search(
            path,
            _frame(query),
            region,
            # The name of a file may be that of a patient, who is another one than this report is about.
            [(index.reference(row.caption.id), row.score) for row in answer.rows],
            _facts(index, answer),
            _drawn(answer) if with_sheet else None,
            answer.findings,
            _part(index, query),
        )
        objects = make_objects(search)
        has_segmentation = any(one.Modality == "SEG" for one in objects)
        return Stored(store_objects(archive, objects), has_segmentation)


def _frame(query: Query) -> int:
    """Return which frame of its file a query is, from 0."""
    name = query.picture.id if query.picture is not None else query.shown
    number = name.rpartition("#")[2]
    return int(number) if "#" in name and number.isdecimal() else 0


def _part(index: Index, query: Query) -> Part | None:
    """Return which part of a slide a query is; None if it is a frame of its file."""
    from pacs.search import Part
    from retrieval.readers.tiling import box_of

    known = query.picture if query.picture is not None else index.picture(query.shown)
    box = box_of(known.metadata)
    return None if box is None else Part(box, known.shape)


def _facts(index: Index, answer: Answer) -> list[str]:
    about: Any = index.info()
    recipes = {one["name"]: one["recipe"] for one in about["representations"]}
    used = [f"{name}, recipe {str(recipes.get(name))[:16]}" for name in answer.by.split("+")]
    counted = [] if answer.findings is None else [f"findings counted by {answer.findings.column}"]
    return [*used, f"reference database of {len(index):,} images", *counted]


def _drawn(answer: Answer) -> Any:
    import numpy as np

    from .contact_sheet import draw_sheet

    return np.asarray(draw_sheet([answer]))


def check_viewer_link(template: str) -> str:
    """Return the template of links to a viewer. Raise OptionError if it makes no link."""
    if not template.startswith(("http://", "https://")):
        raise OptionError("is no address; write http://host/viewer?StudyInstanceUIDs={study}", "viewer_link")
    if not any(place in template for place in _PLACES):
        raise OptionError(f"names no study; put one of {', '.join(_PLACES)} into it", "viewer_link")
    return template


def viewer_link(index: Index, image: str, template: str) -> str:
    """Return the address at which a viewer shows an indexed image.

    Raises
    ------
    SemblanceError : its UIDs are not known here: without the key, or the file, nothing says them.
    """
    study, series, uid = index.uids_of(image)
    for place, value in zip(_PLACES, (study, series, uid), strict=True):
        template = template.replace(place, quote(value, safe=""))
    return template
