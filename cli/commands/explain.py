"""``semblance explain``: what made an image a hit, drawn, and a test of whether that is true."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from retrieval.errors import SettingError
from viewer.explanation_text import first_explainer, sentence
from viewer.files import check_picture_name, write_picture
from viewer.queries.query import canvas_of, find_queries, indexed_name, the_only

from ..options.argument_types import place
from ..options.command import command
from ..options.completion import complete_id, complete_image, complete_representation
from ..options.limit_flags import limit_options
from ..options.parameters import Arguments, argument, option
from ..options.region_flags import is_marked, mark_of, region_of, region_options

if TYPE_CHECKING:
    from retrieval.index import HitExplanation
    from viewer.queries.query import Query

EXAMPLE = """example:
  semblance explain scans.index patient7.dcm ct/0012.png -o why.png
  semblance explain scans.index knee.dcm#3 knees/4.png --by deep --region 120,80,64,64 -o why.png
  semblance explain scans.index ct/0012.png --term emphysema -o where.png

QUERY is the id of an indexed image, or a file; HIT is the id of an indexed one. Drawn are both: where in
the hit its score comes from (red), and, for visual words, the points whose words match: green where they
agree in space, grey for the heaviest of the others. A learnt metric, a baseline, or deep without
windows (--cells 0) keeps no such points: there red is where the score falls most when one part of the
hit after the other is covered.

The last line tests it. A fifth of the hit is covered, where it is reddest, and the score must fall further
than in 95 % of 40 draws in which as much is covered elsewhere: then the drawing is faithful to the
score. That does not make the score right."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder, or its shards.toml")
@argument("query", shell_complete=complete_image, metavar="QUERY", help="an id of the index, or a file")
@argument("hit", shell_complete=complete_id, required=False, metavar="HIT", help="an id of the index")
@option("--term", metavar="TERM", help="draw where in QUERY a term comes from, without a HIT")
@option("-o", "--output", required=True, type=place, metavar="PNG", help="the drawing")
@option(
    "--by",
    shell_complete=complete_representation,
    metavar="NAME",
    help="the representation that is asked [the first that keeps points or windows]",
)
@option("--json", is_flag=True, help="print the result as JSON")
@region_options
@limit_options
def run(args: Arguments) -> int:
    """Explain, draw, and print what the test said."""
    check_picture_name(args.output)
    # A hit is explained against a query, a term against all reports: one or the other.
    if (args.hit is None) == (args.term is None):
        raise SettingError("HIT: give the id of a hit, or --term TERM without one")
    if args.term is not None:
        return _by_term(args)
    mark_of(args)
    from scale.shards.opening import open_index
    from viewer.explanation_figure import draw

    with open_index(args.index) as index:
        query = the_only(find_queries(index, [args.query]), args.query)
        by = args.by or first_explainer(index)
        region = region_of(args, canvas_of(index, query))
        hit = indexed_name(index, args.hit)
        reasons = index.explain(query.subject, hit, by=[by], region=region)
    args.shown.append(hit)
    write_picture(draw(reasons, f"{query.id} finds {hit} by {by}", sentence(reasons)), args.output)
    print(json.dumps(_object(query, hit, by, reasons)) if args.json else sentence(reasons))
    return 0


def _by_term(args: Arguments) -> int:
    """Draw where in an image a term comes from, and print its log-odds."""
    if is_marked(args):
        raise SettingError("region: the whole image is asked for a term; leave it out")
    from retrieval.index import QueryOptions
    from scale.shards.opening import open_index
    from viewer.term_answers import map_term

    with open_index(args.index) as index:
        query = the_only(find_queries(index, [args.query]), args.query)
        options = QueryOptions(by=(args.by,) if args.by else ())
        drawn, odds = map_term(index, query, args.term, options)
    write_picture(drawn, args.output)
    answer = {"query": query.id, "term": args.term, "log_odds": odds}
    line = f"{args.term}: log-odds {odds:+.2f} against all images with a report"
    print(json.dumps(answer) if args.json else line)
    return 0


def _object(query: Query, hit: str, by: str, reasons: HitExplanation) -> dict[str, Any]:
    test = reasons.deletion
    # x before y on the command line, (row, col) inside.
    pairs = zip(reasons.explanation.pairs.tolist(), reasons.explanation.agreeing.tolist(), strict=True)
    return {
        "query": query.id,
        "hit": hit,
        "by": by,
        "score": reasons.score,
        "box": None if reasons.box is None else [reasons.box[i] for i in (1, 0, 3, 2)],
        "pairs": [{"query": [x, y], "hit": [u, v], "agrees": agrees} for (y, x, v, u), agrees in pairs],
        "deletion": {
            "share": test.share,
            "explained": test.explained,
            "random": list(test.random),
            "faithful": test.is_faithful,
        },
    }
