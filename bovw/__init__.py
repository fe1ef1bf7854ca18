"""Bags of visual words: interest points, descriptors, vocabulary, weighting."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from retrieval.registry import refuse_unknown

if TYPE_CHECKING:
    from .aggregation.aggregated import Aggregated
    from .bag_of_words import BagOfWords

WORDS = ("superpixel", "dense")
"""The bags of words of an index if no representation is named; a query fuses them with an embedding.

Superpixels with turned frames and upright dense points describe different things; together they beat the
better of the two on most sets (``benchmarks/quality/ablation.py``).
"""


def sift(**settings: Any) -> BagOfWords:
    """Make a bag of words over SIFT points; keywords are those of ``Sift`` and ``WordSettings``."""
    return _bag_of_words("sift", settings)


def dense(**settings: Any) -> BagOfWords:
    """Make a bag of words over dense points; keywords are those of ``Dense`` and ``WordSettings``."""
    return _bag_of_words("dense", settings)


def superpixel(**settings: Any) -> BagOfWords:
    """Make a bag of words over superpixels; keywords are those of ``Superpixel`` and ``WordSettings``."""
    return _bag_of_words("superpixel", settings)


def vlad(**settings: Any) -> Aggregated:
    """Make dense vectors of residuals; keywords: those of ``AggregationSettings`` and ``VladSettings``."""
    # Imported here: listing what is installed must not load numpy and numba.
    from .aggregation.aggregated import make_aggregated
    from .aggregation.aggregation_settings import AggregationSettings, VladSettings

    refuse_unknown("vlad", settings, {f.name for f in (*fields(AggregationSettings), *fields(VladSettings))})
    return make_aggregated("vlad", VladSettings, settings)


def asmk(**settings: Any) -> Aggregated:
    """Make binary codes of residuals; keywords: those of ``AggregationSettings`` and ``AsmkSettings``."""
    from .aggregation.aggregated import make_aggregated
    from .aggregation.aggregation_settings import AggregationSettings, AsmkSettings

    refuse_unknown("asmk", settings, {f.name for f in (*fields(AggregationSettings), *fields(AsmkSettings))})
    return make_aggregated("asmk", AsmkSettings, settings)


def _bag_of_words(name: str, settings: dict[str, Any]) -> BagOfWords:
    """Share the settings out between the detector and the bag. Raise SettingError if one is misspelt."""
    from .bag_of_words import BagOfWords
    from .detectors import DETECTORS
    from .settings import WordSettings

    kind = DETECTORS[name]
    points, words = {f.name for f in fields(kind)}, {f.name for f in fields(WordSettings)}
    refuse_unknown(name, settings, points | words)
    # JSON, in which settings are stored, has no tuples; fields of frozen dataclasses must be hashable.
    given: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in settings.items()}
    of_words: dict[str, Any] = {n: v for n, v in given.items() if n in words}
    of_points: dict[str, Any] = {n: v for n, v in given.items() if n in points}
    return BagOfWords(name, kind(**of_points), WordSettings(**of_words))
