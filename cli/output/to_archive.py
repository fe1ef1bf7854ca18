"""Answers into an archive: ``--to`` stores a report of each search, and what it was asked about."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import OptionError
from viewer.archiving import check_installed, store_search
from viewer.safe_text import counted

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
    check_installed("to")


def send(args: Arguments, index: Index, query: Query, answer: Answer, options: QueryOptions) -> None:
    """Store the report of one answer, and say on stderr that it is stored."""
    # The same function as the page's, so that both store the same objects.
    address: Address = args.to
    stored = store_search(index, query, answer, options.region, address, with_sheet=args.to_sheet)
    lacks = (
        "; the region is in the report alone, as no segmentation can refer to this image"
        if options.region is not None and not stored.has_segmentation
        else ""
    )
    objects = counted(stored.n_objects, "object")
    verb = "is" if stored.n_objects == 1 else "are"
    print(f"{address.shown}: {objects} about {query.id} {verb} stored{lacks}", file=sys.stderr)
