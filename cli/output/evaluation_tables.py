"""The forms in which an evaluation is printed: tables to read, JSON, and CSV."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.safe_text import csv_text

from .columns import columns

if TYPE_CHECKING:
    from retrieval.evaluation import Evaluation

_MOST_CLASSES = 12


def as_text(found: Evaluation) -> str:
    """Write a table of all measures, one by class, and one of the paired tests; percent.

    An error has its sum over the queries beside it, which is how ImageCLEF reports it.
    """
    parts = [_measures(found)]
    # One column a class: more than a dozen do not fit on a line. CSV and JSON have them all.
    if 1 < len(set(found.classes)) <= _MOST_CLASSES:
        parts.append(_classes(found))
    if not found.is_error:
        parts.append(_classified(found))
    if found.comparisons:
        parts.append(_tests(found))
    return "\n\n".join(parts) + "\n"


def as_json(found: Evaluation) -> str:
    """Write all there is but for the values of single queries: means, intervals, classes, tests, leaks."""
    # NaN is no JSON: what is not known is null, and a NaN that slips through fails here.
    return json.dumps(as_object(found), indent=1, allow_nan=False) + "\n"


def as_object(found: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON holds it; what is not known is null."""
    return {
        "queries": len(found.queries),
        "measured": found.n_measured,
        "database": found.n_database,
        "unlabelled": found.n_unlabelled,
        "not_same": found.column,
        "n_joined": found.n_joined,
        "compared_by": found.compared_by or found.main,
        "systems": {name: _system(found, name) for name in found.values},
        "comparisons": [
            {
                "first": c.first,
                "second": c.second,
                "difference": _number(c.difference),
                "interval": [_number(c.low), _number(c.high)],
                "p": c.p,
                "p_adjusted": c.adjusted,
            }
            for c in found.comparisons
        ],
        "classification": {
            name: {key: _number(value) for key, value in asdict(c).items()}
            for name, c in found.classified.items()
        },
        "ties": dict(found.ties),
        "weights": {name: dict(weights) for name, weights in found.weights.items()},
        "leaks": [
            {"query": leak.query, "found": leak.found, "likeness": leak.likeness} for leak in found.leaks
        ],
    }


def as_csv(found: Evaluation) -> str:
    """Write a line for each system, measure and class; the class is empty for all queries together."""
    rows = found.rows()
    # One line a number, so that a spreadsheet can pivot it as it likes.
    return csv_text([list(rows[0]), *([_shown(value) for value in row.values()] for row in rows)])


def _system(found: Evaluation, name: str) -> dict[str, Any]:
    return {
        measure: {
            "mean": _number(found.mean(name, measure)),
            "interval": [_number(value) for value in found.interval(name, measure)],
            "macro": _number(found.macro(name, measure)),
            "clean": _number(found.clean_mean(name, measure)),
            "classes": {c: _number(v) for c, v in found.per_class(name, measure).items()},
        }
        for measure in found.measures
    }


def _measures(found: Evaluation) -> str:
    others = [measure for measure in found.measures if measure != found.main]
    has_clean = found.clean is not None
    # ImageCLEF's error score is a sum over all queries; the mean has an interval.
    summed = ["sum"] if found.is_error else []
    head = ["by", found.main, *summed, "95 %", "macro", *(["clean"] if has_clean else []), *others]
    lines = []
    for system in found.values:
        low, high = found.interval(system, found.main)
        lines.append(
            [
                system,
                _percent(found.mean(system, found.main)),
                *(f"{float(np.nansum(found.of(system, found.main))):.2f}" for _ in summed),
                _interval(low, high),
                _percent(found.macro(system, found.main)),
                *([_percent(found.clean_mean(system, found.main))] if has_clean else []),
                *(_percent(found.mean(system, measure)) for measure in others),
            ]
        )
    return columns(head, lines, right=(1, *range(2 if summed else 3, len(head))))


def _classes(found: Evaluation) -> str:
    names = sorted(set(found.classes))
    each = {system: found.per_class(system, found.main) for system in found.values}
    head = [f"{found.main} by class", *(f"{name} ({found.classes.count(name)})" for name in names)]
    lines = [[system, *(_percent(values[name]) for name in names)] for system, values in each.items()]
    return columns(head, lines, right=range(1, len(head)))


def _classified(found: Evaluation) -> str:
    """Write how often the vote of the ten nearest is right, and whether its confidence is true."""
    head = (
        "classified by ten nearest",
        "right",
        "95 %",
        "calibration error",
        "of plain shares",
        "Brier",
        "don't know",
        "right of the others",
    )
    lines = [
        [
            name,
            _percent(c.accuracy),
            _interval(c.low, c.high),
            _percent(c.calibration_error),
            _percent(c.raw_error),
            f"{c.brier:.3f}",
            _percent(c.unknown),
            _percent(c.accuracy_known),
        ]
        for name, c in found.classified.items()
    ]
    return columns(head, lines, right=(1, *range(3, len(head))))


def _tests(found: Evaluation) -> str:
    """Write how all pairs of systems compare, the largest difference first."""
    lines = [
        [c.first, c.second, "-", "-", "-", "-"]
        if math.isnan(c.difference)  # no query could be measured
        else [
            c.first,
            c.second,
            f"{100 * c.difference:+.1f}",
            _interval(c.low, c.high, "+"),
            f"{c.p:.2g}",
            f"{c.adjusted:.2g}",
        ]
        for c in sorted(found.comparisons, key=lambda c: -abs(c.difference))
    ]
    head = (f"{found.compared_by or found.main}, paired", "against", "more by", "95 %", "p", "p, all pairs")
    return columns(head, lines, right=(2, 4, 5))


def _percent(value: float) -> str:
    # No query could be measured: a dash is not mistaken for 0.
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def _interval(low: float, high: float, sign: str = "") -> str:
    # One patient alone has none, and neither has what could not be measured.
    return "-" if math.isnan(low) else f"{100 * low:{sign}.1f} to {100 * high:{sign}.1f}"


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _shown(value: str | int | float) -> str:
    if not isinstance(value, float):
        return str(value)
    return "" if math.isnan(value) else f"{value:.6f}"
