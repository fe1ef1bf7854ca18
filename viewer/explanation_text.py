"""What is said of an explanation: by which representation, and whether its test was passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .queries.query import default_by
from .safe_text import printable

if TYPE_CHECKING:
    from retrieval.index import HitExplanation, Index


def first_explainer(index: Index) -> str:
    """Return the first representation that keeps what to tell by; if none does, the one that answers first.

    SettingError if the index holds none.
    """
    from retrieval.evidence.explanation import explains

    # Of a learnt metric or a baseline only its score can be asked, with parts of the image covered.
    for name in index.representations:
        if explains(index.representation(name)):
            return str(name)
    return default_by(index)


def sentence(reasons: HitExplanation) -> str:
    """Return the score of a hit and what the test of its explanation said, in one line."""
    test = reasons.deletion
    verdict = "faithful" if test.is_faithful else "not faithful"
    # A rank among random draws is a permutation test: 38 of 40 is 95 %.
    least = sum(fell < test.explained for fell in test.random)
    return printable(
        f"score {reasons.score:.4f}; covering the {100 * test.share:.0f} % that it points to lowers it by "
        f"{test.explained:.4f}, as much elsewhere by {sum(test.random) / len(test.random):.4f} on average "
        f"(less in {least} of {len(test.random)} draws): {verdict}"
    )
