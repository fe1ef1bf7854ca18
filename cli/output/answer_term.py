"""The answer to a term of a semantic profile, printed in the forms of any query."""

from __future__ import annotations

import sys

from retrieval.errors import OptionError

from ..options.parameters import Arguments, form_of
from ..options.ranking_flags import query_fields, wants_findings
from ..options.region_flags import is_marked
from ..options.representation_flags import given
from .formats import FORMATS

_FOR_IMAGES = (
    *("images", "stdin", "report", "sheet", "to", "to_sheet", "volume", "roi", "through", "exclude_self"),
    *("mm", "margin", "um", "um_per_px", "heat_map", "geojson"),
)


def answer_term(args: Arguments) -> int:
    """Answer a term: conditions, cases and forms are those of any query; what needs an image is refused."""
    # A page and a sheet show the query beside its hits, and an archive gets it as evidence.
    for name in _FOR_IMAGES:
        if getattr(args, name):
            raise OptionError(f"a term asks, and no image; leave {name.replace('_', '-')} out", "term")
    if wants_findings(args) or is_marked(args) or given(args):
        raise OptionError("a term asks, and no image; leave findings, regions and settings out", "term")
    # Imported here: help and usage errors must not wait for what draws.
    from retrieval.index import QueryOptions
    from scale.shards.opening import open_index
    from viewer.notes import note_on_shards
    from viewer.term_answers import ask_term

    with open_index(args.index) as index:
        answer = ask_term(index, args.term, QueryOptions(**query_fields(args)))
    # All other notes speak of an image that asks.
    if away := note_on_shards(answer.lacking):
        print(away, file=sys.stderr)
    args.shown += [row.caption.id for row in answer.rows]
    sys.stdout.write(FORMATS[form_of(args)]([answer]))
    return 0
