"""What is said of a map, so that nobody reads more from it than it holds."""

from __future__ import annotations

_CAUTIONS = {"tsne": "Neighbours are near; how far apart groups are, and how large, means nothing."}
_OTHERS = "Two directions of many: what is apart here differs, what is together may differ too."
_LEARNT = "The metric was learnt from labels: images it learnt from are further apart than new ones."


def cautions(method: str, by: str) -> list[str]:
    """Return what is said of a map by a method, of a representation, a sentence or two each."""
    return [_CAUTIONS.get(method, _OTHERS), *([_LEARNT] if "+" in by else [])]
