"""Answers into an archive: ``--to`` stores a report of each search, and what it was asked about."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import NotInstalledError, OptionError
from viewer.queries.archived_roi import query_file

from ..options.parameters import Arguments

if TYPE_CHECKING:
    from retrieval.index import Index, QueryOptions
    from retrieval.readers.archive import Address
    from viewer.answer import Answer
    from viewer.queries.query import Query


def check_to(args: Arguments) -> None:
    """Refuse what cannot be stored, before anything is asked."""
    if args.to is None:
        if args.to_sheet:
            raise OptionError("needs --to, which says where", "to_sheet")
        return
    if isinstance(args.to, Path):
        raise OptionError(f"{args.to} is no archive; give dicomweb:http://host/dicom-web", "to")
    if args.volume:
        raise OptionError("a report is of one image; leave out --volume", "to")
    from importlib.util import find_spec

    if find_spec("highdicom") is None:
        raise NotInstalledError("highdicom", "is not installed", "pip install 'semblance[pacs]'", "pacs")


def send(args: Arguments, index: Index, query: Query, answer: Answer, options: QueryOptions) -> None:
    """Store the report of one answer, and say on stderr that it is stored."""
    from pacs.results import make_objects
    from pacs.search import Search
    from pacs.store import store_objects

    address: Address = args.to
    with query_file(index, query) as path:
        search = Search(
            path,
            _frame(query),
            options.region,
            # The name of a file may be that of a patient, who is another one than this report is about.
            [(index.reference(row.caption.id), row.score) for row in answer.rows],
            _facts(index, answer),
            _drawn(answer) if args.to_sheet else None,
            answer.findings,
        )
        n = store_objects(address, make_objects(search))
    print(f"{address.shown}: {n} objects about {query.id} are stored", file=sys.stderr)


def _frame(query: Query) -> int:
    name = query.picture.id if query.picture is not None else query.shown
    number = name.rpartition("#")[2]
    return int(number) if "#" in name and number.isdecimal() else 0


def _facts(index: Index, answer: Answer) -> list[str]:
    about: Any = index.info()
    recipes = {one["name"]: one["recipe"] for one in about["representations"]}
    used = [f"{name}, recipe {str(recipes.get(name))[:16]}" for name in answer.by.split("+")]
    counted = answer.findings
    cases = (
        [] if counted is None else [f"findings counted by {counted.column}, labels of the reference database"]
    )
    return [*used, f"reference database of {len(index):,} images", *cases]


def _drawn(answer: Answer) -> Any:
    import numpy as np

    from viewer.contact_sheet import draw_sheet

    return np.asarray(draw_sheet([answer]))
