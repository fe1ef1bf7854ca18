"""``semblance explain``: what made an image a hit, drawn, and a test of whether that is true."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from retrieval.errors import SettingError
from viewer.answer import printable
from viewer.queries.query import canvas_of, find_queries

from ..options.argument_types import place
from ..options.command import command
from ..options.completion import complete_id, complete_image, complete_representation
from ..options.parameters import Arguments, argument, option
from ..options.region_flags import mark_of, region_of, region_options
from ..output.files import check_picture_name, write_picture

if TYPE_CHECKING:
    from retrieval.index import HitExplanation, Index
    from viewer.queries.query import Query

EXAMPLE = """example:
  semblance explain scans.index patient7.dcm ct/0012.png -o why.png
  semblance explain scans.index knee.dcm#3 knees/4.png --by deep --region 120,80,64,64 -o why.png

QUERY is the id of an indexed image, or a file; HIT is the id of an indexed one. Drawn are both: where in
the hit its score comes from (red), and, for visual words, the points whose words match: green where they
agree in space, grey for the heaviest of the others.

The last line tests it. A fifth of the hit is covered, where it is reddest, and the score must fall further
than in 95 % of 40 draws in which as much is covered elsewhere: then the drawing is faithful to the
score. That does not make the score right."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder")
@argument("query", shell_complete=complete_image, metavar="QUERY", help="an id of the index, or a file")
@argument("hit", shell_complete=complete_id, metavar="HIT", help="an id of the index")
@option("-o", "--output", required=True, type=place, metavar="PNG", help="the drawing")
@option(
    "--by",
    shell_complete=complete_representation,
    metavar="NAME",
    help="the representation that is asked [the first that can tell]",
)
@option("--json", is_flag=True, help="print the result as JSON")
@region_options
def run(args: Arguments) -> int:
    """Explain, draw, and print what the test said."""
    check_picture_name(args.output)
    mark_of(args)
    from retrieval.index import Index
    from viewer.explanation_figure import draw

    with Index.open(args.index) as index:
        query = _query(index, args.query)
        by = args.by or _first(index)
        region = region_of(args, canvas_of(index, query))
        reasons = index.explain(query.subject, args.hit, by=[by], region=region)
    write_picture(draw(reasons, f"{query.id} finds {args.hit} by {by}", _sentence(reasons)), args.output)
    print(json.dumps(_object(query, args.hit, by, reasons)) if args.json else _sentence(reasons))
    return 0


def _query(index: Index, name: str) -> Query:
    found = list(find_queries(index, [name]))
    # A file with frames, or a folder, is many queries; one drawing explains one.
    if len(found) != 1:
        raise SettingError(f"{name}: is {len(found)} images; name one, such as {found[0].id}")
    return found[0]


def _first(index: Index) -> str:
    from retrieval.evidence.explanation import Explainer

    # Learnt metrics and baselines cannot tell, whatever answers queries by default.
    for name in index.representations:
        if isinstance(index.representation(name), Explainer):
            return str(name)
    raise SettingError(
        f"--by: {', '.join(index.representations)} cannot tell what made a hit; index with superpixel or deep"
    )


def _sentence(reasons: HitExplanation) -> str:
    test = reasons.deletion
    verdict = "faithful" if test.is_faithful else "not faithful"
    # A rank among random draws is a permutation test: 38 of 40 is 95 %.
    least = sum(fell < test.explained for fell in test.random)
    return printable(
        f"score {reasons.score:.4f}; covering the {100 * test.share:.0f} % that it points to lowers it by "
        f"{test.explained:.4f}, as much elsewhere by {sum(test.random) / len(test.random):.4f} on average "
        f"(less in {least} of {len(test.random)} draws): {verdict}"
    )


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
