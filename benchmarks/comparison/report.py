"""The report of a comparison: one Markdown file, and one HTML page that holds everything."""

from __future__ import annotations

import base64
import html
import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from benchmarks.comparison import tables
from benchmarks.comparison.contest import BLIND, NEIGHBOURS, Contest

INTRODUCTION = f"""Every labelled picture asks once; pictures of its own patient, lesion or group of
near-duplicates are left out of its answer. mAP is over the whole ranking, in percent; intervals are 95 %, by
bootstrap over groups. Paired tests are randomisation tests, group by group, corrected by Holm for the pairs
below, all but the last two of which were chosen beforehand. Groups that share near-duplicates are one in
both. *clean* leaves near-duplicates of other groups out as well. *called right*: the vote of the ten nearest
is right; *ECE*: the expected calibration error of its confidence, calibrated on other groups; *ms*: to rank,
by stored vectors.

- *equal*: 400 points, 1,000 words, no tone, the same descriptor. The others are as a new index has them, but
  that dense points keep out of the black background and SIFT words see colour (opponent channels).
- *words*: superpixel, dense and SIFT words, normalised scores summed. *learnt*: weighted, the weights learnt
  from the queries of other groups (five folds). *blind*: the first {BLIND} hits count as liked, and the query
  is asked again. *smooth*: the best of each representation are smoothed over {NEIGHBOURS} neighbours, then
  summed as by *z*, in deviations above the mean.
- *+nca*: a linear metric learnt from the labels of other groups (five folds), and its base beside it as much
  as other labels find best; all above it use no label at all, but for the few weights of *learnt*. The images
  that are found are those that it was learnt from, which are drawn together by label: that raises mAP, by
  labels that mean nothing too. Compare P@1, or mAP among images that it has not seen (`blend.md`)."""


def markdown(contests: Sequence[Contest], encoding: Mapping[str, float], command: str, seed: int) -> str:
    """Write everything but the plots as Markdown."""
    parts = ["# Head to head", f"    {command}", INTRODUCTION, "## mAP", tables.overview(contests)]
    parts += ["## What holds", "\n".join(f"- {line}" for line in tables.verdicts(contests))]
    for contest in contests:
        found = contest.evaluation
        leaking = len({leak.query for leak in found.leaks})
        parts += [
            f"## {contest.name}",
            f"{len(found.queries):,} queries of {len(set(found.classes))} classes; {leaking:,} of them have "
            "a near-duplicate of another group in the database.",
            tables.details(contest),
            tables.tests(contest),
        ]
        for name, weights in found.weights.items():
            shares = ", ".join(f"{one} {value:.2f}" for one, value in weights.items())
            parts.append(f"Mean weights of *{name}*: {shares}.")
    costs = ", ".join(f"{name} {ms:.0f}" for name, ms in encoding.items())
    parts += ["## How this was made", f"Describing a picture takes, in ms on one core: {costs}."]
    parts.append("\n".join(f"- {line}" for line in facts(contests, seed)))
    return "\n\n".join(parts) + "\n"


def summary(contests: Sequence[Contest], command: str) -> str:
    """Write what a reader of the README wants: mAP of every system, and what the paired tests say."""
    n = ", ".join(f"{len(c.evaluation.queries):,} of {c.name}" for c in contests)
    lead = (
        f"mAP in percent, ± half the 95 % interval; {n} ask (`{command}`). *words* are superpixel, dense and "
        "SIFT words; *learnt* weights come from the queries of other groups, as do the labels of *nca*; "
        f"*blind*: the first {BLIND} hits count as liked, and the query is asked again."
    )
    said = "\n".join(f"- {line}" for line in tables.verdicts(contests))
    about = "After correction for all of these pairs (the last two were added when the others were known):"
    return f"{lead}\n\n{tables.overview(contests)}\n\n{about}\n\n{said}"


def facts(contests: Sequence[Contest], seed: int) -> list[str]:
    """Return date, versions, machine, seed, and the hashes of the recipes."""
    said = [
        f"date: {datetime.now(UTC):%Y-%m-%d}",
        f"machine: {platform.machine()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}",
        f"seed: {seed}",
    ]
    packages = ("semblance", "numpy", "numba", "opencv-python-headless", "torch", "scikit-learn")
    said.append("versions: " + ", ".join(f"{name} {_version(name)}" for name in packages))
    for contest in contests:
        hashes = ", ".join(f"{name} `{recipe[:12]}`" for name, recipe in contest.recipes.items())
        said.append(f"recipes of {contest.name}: {hashes}")
    return said


def page(text: str, plots: Mapping[str, bytes]) -> str:
    """Return one HTML page that holds the report and the plots (PNG, by caption), and needs nothing else."""
    body = _as_html(text)
    figures = "".join(
        f'<figure><img alt="{html.escape(caption)}" src="data:image/png;base64,'
        f'{base64.b64encode(image).decode("ascii")}"><figcaption>{html.escape(caption)}</figcaption></figure>'
        for caption, image in plots.items()
    )
    return _PAGE.format(body=body.replace("<!--plots-->", figures))


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Semblance: head to head</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px }}
th, td {{ padding: .15rem .6rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap }}
th:first-child, td:first-child {{ text-align: left }}
tbody tr:hover {{ background: #f3f6fa }}
figure {{ margin: 2rem 0 }} img {{ max-width: 100% }} figcaption {{ color: #555 }}
.wide {{ overflow-x: auto }} code, pre {{ background: #f5f5f5; padding: .1rem .3rem }}
</style></head><body>{body}</body></html>
"""


def _as_html(text: str) -> str:
    """Turn the little Markdown that ``markdown`` writes into HTML."""
    made = []
    for block in text.strip().split("\n\n"):
        lines = block.split("\n")
        if block.startswith("#"):
            level = len(block) - len(block.lstrip("#"))
            title = _inline(block.lstrip("# "))
            made.append(f"<h{level}>{title}</h{level}>" + ("<!--plots-->" if title == "What holds" else ""))
        elif block.startswith("    "):
            made.append(f"<pre>{html.escape(block.strip())}</pre>")
        elif block.startswith("|"):
            made.append(_table(lines))
        elif block.startswith("- "):
            items = re.split(r"\n(?=- )", block)
            made.append("<ul>" + "".join(f"<li>{_inline(item[2:])}</li>" for item in items) + "</ul>")
        else:
            made.append(f"<p>{_inline(block)}</p>")
    return "\n".join(made)


def _table(lines: Sequence[str]) -> str:
    rows = [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in lines]
    head = "".join(f"<th>{_inline(cell)}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{_inline(c)}</td>" for c in row) + "</tr>" for row in rows[2:])
    return f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _inline(text: str) -> str:
    escaped = html.escape(text)
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", escaped)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
