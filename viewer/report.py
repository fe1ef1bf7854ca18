"""The report page: one HTML file that holds everything, needs no script and no network, and prints well."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from .answer import Answer, Caption, Row
from .report_style import STYLE

Thumbnails = Mapping[str, bytes]
"""Encoded pictures (JPEG, PNG or WebP) by id."""


@dataclass(frozen=True)
class ReportTable:
    """A table of the page: a caption, a head, and lines of text of the same length."""

    caption: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Page:
    """What a report page says.

    Parameters
    ----------
    title : the heading.
    answers : what was asked and found; neighbours with the same query are shown together.
    thumbnails : pictures by id; a query that is not in the index has its own under ``query:`` + id, and a hit
        with a box under ``hit:``, the query's id, ``:``, and its own.
    lead : sentences under the heading.
    tables : tables above the answers.
    facts : names and values at the end of the page: recipe, settings, date, version.
    """

    title: str
    answers: Sequence[Answer]
    thumbnails: Thumbnails
    lead: Sequence[str] = ()
    tables: Sequence[ReportTable] = ()
    facts: Sequence[tuple[str, str]] = field(default=())


def write_page(page: Page) -> str:
    """Return the page as HTML, with every id, label and value escaped."""
    body = [f"<header><p class=brand>Semblance</p><h1>{escape(page.title)}</h1>"]
    body += [f"<p class=lead>{escape(line)}</p>" for line in page.lead]
    body += ["</header><main>"]
    body += [_table(table) for table in page.tables]
    body += [_section(group, page.thumbnails) for group in _by_query(page.answers)]
    body += ["</main>", _footer(page.facts)]
    return _DOCUMENT.format(title=escape(page.title), style=STYLE, body="\n".join(body))


_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _by_query(answers: Sequence[Answer]) -> list[list[Answer]]:
    """Bring together neighbouring answers to the same query."""
    groups: list[list[Answer]] = []
    for answer in answers:
        if groups and groups[-1][0].query.id == answer.query.id:
            groups[-1].append(answer)
        else:
            groups.append([answer])
    return groups


def picture_of(thumbnails: Thumbnails, answer: Answer, row: Row) -> bytes:
    """Return the picture of a hit: with its box drawn, where it has one; nothing where there is none."""
    boxed = thumbnails.get(f"hit:{answer.query.id}:{row.caption.id}")
    return boxed or thumbnails.get(row.caption.id, b"")


def _section(answers: Sequence[Answer], thumbnails: Thumbnails) -> str:
    query = answers[0].query
    picture = thumbnails.get(f"query:{query.id}") or thumbnails.get(query.id, b"")
    rankings = "".join(_ranking(answer, thumbnails, named=len(answers) > 1) for answer in answers)
    return (
        f"<section><figure class=query>{_image(picture, f'Query {query.id}')}"
        f"<figcaption><span class=role>Query</span>{_caption(query)}</figcaption></figure>"
        f"<div class=rankings>{rankings}</div></section>"
    )


def _ranking(answer: Answer, thumbnails: Thumbnails, named: bool) -> str:
    heading = f"<h2>{escape(answer.by)}</h2>" if named else ""
    if not answer.rows:
        return f"<article>{heading}<p class=empty>No picture to rank.</p></article>"
    top = max(abs(row.score) for row in answer.rows) or 1.0
    hits = "".join(_hit(answer, row, thumbnails, top) for row in answer.rows)
    return f"<article>{heading}<ol>{hits}</ol></article>"


def _hit(answer: Answer, row: Row, thumbnails: Thumbnails, top: float) -> str:
    same = answer.same_label(row)
    kind = {True: " class=same", False: " class=other", None: ""}[same]
    word = {True: ", same label as the query", False: ", other label than the query", None: ""}[same]
    alternative = f"Rank {row.rank}: {row.caption.id}{word}"
    share = max(0.0, min(1.0, row.score / top))
    return (
        f"<li{kind}><figure>{_image(picture_of(thumbnails, answer, row), alternative)}"
        f'<div class=bar aria-hidden=true><i style="width:{share:.0%}"></i></div>'
        f"<figcaption><span class=rank>{row.rank}</span><span class=score>{row.score:.4f}</span>"
        f"{_caption(row.caption, same)}{_votes(row)}</figcaption></figure></li>"
    )


def _votes(row: Row) -> str:
    """Return how the fused representations voted: the place each gave the hit, and its share of the score."""
    return "".join(
        f'<span class=group title="rank {vote.rank:,}, score {vote.score:.4f}">'
        f"{escape(name)} no. {vote.rank:,} ({vote.share:.0%})</span>"
        for name, vote in row.votes.items()
    )


def _caption(caption: Caption, same: bool | None = None) -> str:
    mark = {True: "✓ ", False: "", None: ""}[same]
    label = f"<span class=label>{mark}{escape(caption.label)}</span>" if caption.label else ""
    groups = "".join(
        f'<span class=group title="{escape(value)}">{escape(key)} {escape(value)}</span>'
        for key, value in caption.closest.items()
    )
    return f"{label}<span class=id>{escape(caption.id)}</span>{groups}"


def _image(encoded: bytes, alternative: str) -> str:
    if not encoded:
        return f'<div class=missing role=img aria-label="{escape(alternative)}">no picture</div>'
    data = base64.b64encode(encoded).decode("ascii")
    return f'<img src="data:{_media_type(encoded)};base64,{data}" alt="{escape(alternative)}">'


def _media_type(encoded: bytes) -> str:
    if encoded.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if encoded[:4] == b"RIFF" else "image/jpeg"


def _table(table: ReportTable) -> str:
    head = "".join(f"<th scope=col>{escape(text)}</th>" for text in table.head)
    lines = "".join(
        f"<tr><th scope=row>{escape(line[0])}</th>"
        + "".join(f"<td>{_cell(t)}</td>" for t in line[1:])
        + "</tr>"
        for line in table.lines
    )
    return (
        f"<p class=lead>{escape(table.caption)}</p><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{lines}</tbody></table>"
    )


def _cell(text: str) -> str:
    """Return the text of a cell; an address becomes a link."""
    if not text.startswith(("http://", "https://")):
        return escape(text)
    return f'<a href="{escape(text)}" rel="noopener noreferrer">{escape(text)}</a>'


def _footer(facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    note = "<p>Likeness is not a diagnosis. Scores rank pictures of one index; they are no probabilities.</p>"
    return f"<footer><h2>How this page was made</h2><dl>{rows}</dl>{note}</footer>"
