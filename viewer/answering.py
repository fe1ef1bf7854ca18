"""From a query to an answer as it is shown: hits with captions, findings, images, and the page of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .answer import Answer, Caption, caption_of, row_of
from .findings import findings_tables
from .provenance import Fact, index_facts
from .queries.marked_region import Mark
from .queries.own_images import others
from .queries.query import Query, asked_by, indexed_name
from .report import Page

if TYPE_CHECKING:
    from retrieval.answers.enrichment import Findings
    from retrieval.index import Hit, Index, QueryOptions
    from retrieval.metadata.label_table import LabelTable
    from retrieval.metadata.reference_table import References
    from retrieval.region import Region

    from .images import Images


def ask(index: Index, query: Query, options: QueryOptions, through: float = 0.0) -> Answer:
    """Ask the index, and give each hit its label and groups.

    ``through`` : mm through which a mark is followed into the slices above and below.
    """
    if through:
        # Loaded when it is needed: it takes NumPy, and the help of the command line must not wait for that.
        from .queries.followed_mark import FollowedMark

        mark = FollowedMark.of(index, query, options, through)
        hits, lacking = mark.hits()
        shown = answer_of(index, query, hits, asked_by(index, options), options.group_by)
        slices = mark.extents(hits)
        rows = tuple(replace(r, extent=slices.get(r.caption.id)) for r in shown.rows)
        return replace(shown, rows=rows, lacking=lacking)
    if query.slices:
        hits = index.query_volume(query.slices, options)
    else:
        hits = index.query(query.subject, options)
    # Before the index is asked anything else, such as for the groups of the hits.
    lacking = index.lacking
    by = asked_by(index, options)
    return replace(answer_of(index, query, hits, by, options.group_by), lacking=lacking)


def without_itself(index: Index, query: Query, options: QueryOptions) -> QueryOptions:
    """Return options that leave a query out of its own answer, if they are to, also one read from a file.

    An index knows an indexed image that asks by its name; one whose file was read is known here alone, and so
    are the slices of a volume that are not asked with.
    """
    if options.include_self and options.not_same is None:
        return options
    return replace(options, among=others(index, query, options.among))


def by_ids(index: Index, options: QueryOptions) -> QueryOptions:
    """Return options whose liked and disliked images go by what the index calls them: ``indexed_name``."""
    like, unlike = (
        tuple(indexed_name(index, name) for name in side) for side in (options.like, options.unlike)
    )
    return replace(options, like=like, unlike=unlike)


def answer_of(
    index: Index, query: Query, hits: Sequence[Hit], by: Sequence[str], column: str | None = None
) -> Answer:
    """Return hits as they are shown; ``column`` is one more that is shown among the groups."""
    rows = tuple(row_of(index, hit, column) for hit in hits)
    asked = Caption(query.id)
    if query.known_as is not None:
        asked = replace(caption_of(index, query.known_as, column), id=query.id)
    elif query.picture is not None:
        asked = Caption(query.id, group=dict(query.picture.groups))
    return Answer(asked, "+".join(by or index.default_representations), rows)


def with_findings(
    index: Index,
    query: Query,
    answer: Answer,
    options: QueryOptions,
    labels: LabelTable | None = None,
    references: References | None = None,
    through: float = 0.0,
) -> Answer:
    """Return an answer with its findings.

    Parameters
    ----------
    options, through : those that the query was asked with.
    labels : labels in place of those of the index.
    references : what it says about the labels that were found is added.
    """
    found = findings_of(index, query, options, labels, through)
    lacking = answer.lacking or index.lacking
    significant = [finding.label for finding in found.significant]
    return replace(
        answer,
        findings=found,
        references=() if references is None else references.of(significant),
        lacking=lacking,
    )


def findings_of(
    index: Index,
    query: Query,
    options: QueryOptions,
    labels: LabelTable | None = None,
    through: float = 0.0,
) -> Findings:
    """Return which labels the cases that look like a query share."""
    subject = query.slices or query.subject
    if through:
        from .queries.followed_mark import FollowedMark

        mark = FollowedMark.of(index, query, options, through)
        subject, options = mark.names, mark.options
    # The file of an indexed image is a query of its own: it must not find itself either.
    asked = replace(options, among=others(index, query, options.among), include_self=True)
    return index.find_labels(subject, asked, labels=labels)


def with_images(
    answer: Answer, images: Images, query: Query, region: Region | None = None, column: str | None = None
) -> Answer:
    """Return an answer with the images of its query and hits; see ``viewer.illustration``."""
    from .illustration import illustrate, illustrate_volume

    if query.slices:
        return illustrate_volume(answer, images, query.slices, column)
    return illustrate(answer, images, query.shown if query.picture is None else query.picture, region)


def answer_page(
    index: Index, answers: Sequence[Answer], options: QueryOptions, mark: Mark, is_volume: bool = False
) -> Page:
    """Return the page of answers that were all asked for with the same options."""
    one, k = len(answers) == 1, options.k
    title = f"What looks like {answers[0].query.id}" if one else f"{len(answers):,} queries"
    lead = f"The {k:,} best of {len(index):,} images for each query, ranked by {answers[0].by}."
    volume = "Below each slice of the query are the slices that match it; a score is that of the case."
    lacking = dict.fromkeys(answer.lacking for answer in answers if answer.lacking)
    facts = [
        Fact(name, str(value))
        for name, value in _asked(index, options, mark, is_volume).items()
        if value is not None
    ]
    tables = [table for answer in answers for table in findings_tables(answer)]
    return Page(
        title, answers, [lead, *([volume] if is_volume else []), *lacking], tables, facts + index_facts(index)
    )


def _asked(index: Index, options: QueryOptions, mark: Mark, is_volume: bool) -> dict[str, object]:
    """Return the options of a query as a page lists them; None for those that are not set."""
    from .notes import rule_of  # late: a command starts without what it imports

    is_fused = len(asked_by(index, options)) > 1
    return {
        "region (x, y, w, h)": mark.region and ", ".join(f"{v:g}" for v in mark.region),
        "polygon (x, y, …)": mark.polygon and ", ".join(f"{x:g}, {y:g}" for x, y in mark.polygon),
        "mask": _mask(mark.mask),
        "superpixel at (x, y)": mark.point and ", ".join(f"{v:g}" for v in mark.point),
        "margin": mark.margin or None,
        "only where": options.where,
        "grouped by": options.group_by,
        "not of the same": options.not_same,
        "score of a case": options.case_by if options.group_by and not is_volume else None,
        "fused by": rule_of(index, options) if is_fused else None,
        "refined by its first hits": options.blind or None,
        "smoothed over neighbours": options.smooth or None,
        "liked": ", ".join(options.like) or None,
        "not liked": ", ".join(options.unlike) or None,
        "along concepts": ", ".join(options.concept) or None,
    }


def _mask(mask: Any) -> object:
    return "an array" if hasattr(mask, "shape") else mask
