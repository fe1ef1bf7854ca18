"""The tables of a comparison, as Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from benchmarks.comparison.contest import PLANNED, Contest

SHOWN = ("P@1", "P@10", "R-prec", "MAP@R", "nDCG@10", "bpref", "MV@5")


def overview(contests: Sequence[Contest]) -> str:
    """Write mAP with its interval of every system on every set, as Markdown."""
    head = ["ranked by", *(c.name for c in contests)]
    lines = [[name, *(_with_interval(c, name) for c in contests)] for name in systems(contests)]
    lines.insert(1, ["best plain pipeline", *(percent(max(c.plain.values())) for c in contests)])
    return markdown(head, lines)


def details(contest: Contest) -> str:
    """Write all shown measures of every system on one set, as Markdown."""
    found = contest.evaluation
    has_clean = found.clean is not None
    head = [
        "ranked by",
        "mAP",
        "95 %",
        *(["clean"] if has_clean else []),
        *SHOWN,
        "called right",
        "ECE",
        "ms",
    ]
    lines = []
    for name in found.values:
        low, high = found.interval(name, "mAP")
        lines.append(
            [
                name,
                percent(found.mean(name, "mAP")),
                f"{percent(low)} to {percent(high)}",
                *([percent(found.clean_mean(name, "mAP"))] if has_clean else []),
                *(percent(found.mean(name, measure)) for measure in SHOWN),
                percent(found.classified[name].accuracy),
                percent(found.classified[name].calibration_error),
                f"{contest.milliseconds[name]:.1f}",
            ]
        )
    return markdown(head, lines)


def tests(contest: Contest) -> str:
    """Write the planned paired tests of one set, as Markdown."""
    lines = []
    for c in contest.evaluation.comparisons:
        verdict = f"{c.first} is ahead" if c.adjusted < 0.05 else "no difference shown"
        lines.append(
            [
                c.first,
                c.second,
                f"{100 * c.difference:+.2f}",
                f"{100 * c.low:+.2f} to {100 * c.high:+.2f}",
                f"{c.p:.2g}",
                f"{c.adjusted:.2g}",
                verdict,
            ]
        )
    return markdown(["higher mAP", "against", "by", "95 %", "p", "p, corrected", ""], lines)


def as_csv(contests: Sequence[Contest]) -> str:
    """Write a line for each set, system and measure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["set", "ranked by", "measure", "mean", "low", "high", "macro", "clean", "queries"])
    for contest in contests:
        found = contest.evaluation
        for name in found.values:
            for measure in found.measures:
                row = (
                    found.mean(name, measure),
                    *found.interval(name, measure),
                    found.macro(name, measure),
                    found.clean_mean(name, measure),
                )
                writer.writerow([contest.name, name, measure, *(f"{v:.6f}" for v in row), len(found.queries)])
    return text.getvalue()


def verdicts(contests: Sequence[Contest]) -> list[str]:
    """Say of every planned pair on how many sets which one is ahead, after correction."""
    said = []
    for one, other in PLANNED:
        ahead: dict[str, list[str]] = {one: [], other: []}
        even = []
        for contest in contests:
            pair = {(c.first, c.second): c for c in contest.evaluation.comparisons}
            c = pair.get((one, other)) or pair.get((other, one))
            if c is None:
                continue
            if c.adjusted < 0.05:
                ahead[c.first].append(contest.name)
            else:
                even.append(contest.name)
        parts = [f"{name} ahead on {', '.join(sets)}" for name, sets in ahead.items() if sets]
        if even:
            parts.append(f"no difference shown on {', '.join(even)}")
        if parts:
            said.append(f"*{one}* against *{other}*: {'; '.join(parts)}.")
    return said


def systems(contests: Sequence[Contest]) -> list[str]:
    """Return the names of all systems, in the order of the table."""
    return list(dict.fromkeys(name for c in contests for name in c.evaluation.values))


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Write a table; all columns but the first aligned to the right."""
    rule = ["---", *("--:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines))


def percent(value: float) -> str:
    """Return a share in percent, with one digit."""
    return "" if value != value else f"{100 * value:.1f}"


def _with_interval(contest: Contest, name: str) -> str:
    found = contest.evaluation
    if name not in found.values:
        return ""
    low, high = found.interval(name, "mAP")
    half = 50 * (high - low)
    return f"{percent(found.mean(name, 'mAP'))} ± {half:.1f}"
