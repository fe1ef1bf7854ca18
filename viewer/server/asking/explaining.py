"""Explaining a hit: where its score comes from, what corresponds, and whether that is faithful."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retrieval.errors import OptionError
from retrieval.index import HitExplanation, QueryOptions
from retrieval.index.search.explain import Report
from retrieval.index.search.explain import explain as reasons_of
from viewer.explanation_text import sentence
from viewer.queries.query import asked_by, default_by

from .question import Question

_HOT = (213, 40, 20)
_OPAQUE = 0.7


@dataclass(frozen=True, eq=False)
class Explained:
    """An explanation of a hit, what is said of it, and its heat as a PNG of the size of the hit."""

    by: str
    reasons: HitExplanation
    sentence: str
    heat: bytes


def explain(
    question: Question, hit: str, by: str | None, report: Report = lambda done, total: None
) -> Explained:
    """Explain why a question finds an image of the index, by one representation, else by the first that can.

    ``report`` is called with the number of parts of the hit that have been covered, and of all.
    Raises SettingError for one that cannot, PictureError if a file cannot be read.
    """
    if question.query.slices:
        raise OptionError("a hit of a volume is explained slice by slice; ask with one of them", "volume")
    index = question.opened.index
    # Of what answered, if it can tell: what explains a hit should be what found it.
    name = by or _asked_explainer(question)
    question.opened.load([name])
    subject, options = question.query.subject, QueryOptions(by=[name], region=question.options.region)
    reasons = index.ask(lambda snapshot: reasons_of(snapshot, subject, hit, options, report))
    return Explained(name, reasons, sentence(reasons), heat_png(reasons.explanation.heat, reasons.hit.shape))


def heat_png(heat: NDArray[np.float32], shape: tuple[int, int]) -> bytes:
    """Return coarse heat, (rows, cols) in [0, 1], as a red PNG of ``shape``, opaque where it is hottest."""
    # The page lays it over the image at any zoom: colour is the same everywhere, opacity is heat.
    alpha = Image.fromarray(np.round(np.clip(heat, 0, 1) * 255 * _OPAQUE).astype(np.uint8))
    # Heat is coarse by its nature; smooth edges promise no more than it holds.
    alpha = alpha.resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    red = Image.new("RGB", alpha.size, _HOT)
    red.putalpha(alpha)
    encoded = io.BytesIO()
    red.save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()


def _asked_explainer(question: Question) -> str:
    """Return the first representation that answered and keeps what to tell by, else the first of them."""
    from retrieval.evidence.explanation import explains

    index = question.opened.index
    asked = asked_by(index, question.options)
    # Of all others the score is asked again with parts of the hit covered, which takes longer.
    able = (name for name in asked if explains(index.representation(name)))
    return next(able, None) or (asked[0] if asked else default_by(index))
