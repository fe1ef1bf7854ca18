"""The figures of the report page: an image that a click enlarges, and the text below it."""

from __future__ import annotations

from collections.abc import Sequence

from .answer import Answer, Caption, Row, SliceImage
from .page import breakable, inlined
from .safe_text import escape

_WORDS = {True: ", same label as the query", False: ", other label than the query", None: ""}
_CLASSES = {True: " class=same", False: " class=other", None: ""}


def query_figure(answer: Answer) -> str:
    """Return the query with its caption; of a volume, a few of its slices."""
    caption = f"<span class=role>Query</span>{_caption(answer.query)}"
    if answer.slices:
        strip = _strip(answer.slices, "Query slice")
        return f"<div class=query><div class=about>{caption}</div>{strip}</div>"
    image = _image(answer.image, f"Query {answer.query.id}", answer.query.id)
    return f"<figure class=query>{image}<figcaption>{caption}</figcaption></figure>"


def hit_item(answer: Answer, row: Row, top: float) -> str:
    """Return a hit as an item of a list; ``top`` is the largest score of the list, whose bar is whole."""
    same = answer.same_label(row)
    alternative = f"Rank {row.rank}: {row.caption.id}{_WORDS[same]}"
    if row.slices:
        strip = _strip(row.slices, f"Rank {row.rank}, slice")
        return f"<li{_CLASSES[same]}><div class=about>{_about(row, same, top)}</div>{strip}</li>"
    image = _image(row.image, alternative, f"{row.rank}  {row.caption.id}  {row.score:.4f}")
    about = _about(row, same, top)
    return f"<li{_CLASSES[same]}><figure>{image}<figcaption>{about}</figcaption></figure></li>"


def _about(row: Row, same: bool | None, top: float) -> str:
    # Some representations score below 0: no bar, rather than one to the wrong side.
    share = max(0.0, min(1.0, row.score / top))
    return (
        f'<span class=bar aria-hidden=true><i style="width:{share:.0%}"></i></span>'
        f"<span class=rank>{row.rank}</span><span class=score>{row.score:.4f}</span>"
        f"{_caption(row.caption, same)}{_case(row)}{_inliers(row)}{_votes(row)}"
    )


def _caption(caption: Caption, same: bool | None = None) -> str:
    mark = {True: "✓ ", False: "≠ ", None: ""}[same]
    label = f"<span class=label>{mark}{escape(caption.label)}</span>" if caption.label else ""
    # A colour or a sign alone would not be read by everybody.
    other = "<span class=mark>other label</span>" if same is False else ""
    groups = "".join(
        f"<span class=group>{escape(key)} {escape(value)}</span>" for key, value in caption.closest.items()
    )
    return f"<span class=labels>{label}{other}</span><span class=id>{breakable(caption.id)}</span>{groups}"


def _case(row: Row) -> str:
    if row.case is None:
        return ""
    return f"<span class=group>{row.case.n:,} {'image' if row.case.n == 1 else 'images'} of the case</span>"


def _inliers(row: Row) -> str:
    return "" if row.inliers is None else f"<span class=group>{row.inliers:,} inliers</span>"


def _votes(row: Row) -> str:
    """Return how the fused representations voted: the rank each gave the hit, and its share of the score."""
    return "".join(
        f'<span class=vote title="score {vote.score:.4f}">'
        f"{escape(name)} rank&nbsp;{vote.rank:,}, {vote.share:.0%}</span>"
        for name, vote in row.votes.items()
    )


def _strip(slices: Sequence[SliceImage], what: str) -> str:
    """Return slices beside each other; each is below the query's slice that it matches."""
    figures = "".join(
        f"<figure>{_image(one.image, f'{what} {one.id}', one.id)}"
        f"<figcaption><span class=id>{breakable(one.id)}</span>{_score(one)}</figcaption></figure>"
        for one in slices
    )
    return f"<div class=strip>{figures}</div>"


def _score(one: SliceImage) -> str:
    return "" if one.score is None else f"<span class=score>{one.score:.2f}</span>"


def _image(encoded: bytes, alternative: str, below: str) -> str:
    """Return an image that a click, or Enter, enlarges over the page, with a line of text below it.

    The same element is small and large, so that the page holds each image once and needs no script.
    """
    # The empty place keeps the grid, and says to screen readers what would be there.
    if not encoded:
        return f'<div class=missing role=img aria-label="{escape(alternative)}">no image</div>'
    image = f'<img src="{inlined(encoded)}" alt="{escape(alternative)}">'
    return f"<details class=zoom><summary>{image}<span>{escape(below)}</span></summary></details>"
