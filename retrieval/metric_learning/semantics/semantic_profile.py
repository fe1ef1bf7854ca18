"""The semantic profile: a representation that is derived from another one, by what reports say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import SettingError, did_you_mean
from ...representation import Representation
from .. import LearnedMetric
from ..held_out import Projected
from .cluster_profile import ClusterProfile


class SemanticProfile(LearnedMetric):
    """Rank by what reports say of the images that look like one.

    Its vectors hold the log-odds of terms: above 0 for what is commoner near an image than in all. It is
    derived and kept as a learnt metric is.

    Parameters
    ----------
    base : the fitted representation whose vectors are clustered.
    name : what it is called: the base's name, ``+``, and a name of its own.
    base_recipe : the hash of the recipe of the base; with another one the clusters mean nothing.
    terms : the names, in the order of the vector.
    clusters, clusterings, shrinkage, seed : how it was learnt; see ``ProfileLearner``.
    """

    later_settings: Mapping[str, Any] = {}
    kind: type[Projected] = ClusterProfile

    def __init__(
        self,
        base: Representation,
        name: str,
        base_recipe: str = "",
        terms: Sequence[str] = (),
        clusters: int | None = None,
        clusterings: int = 6,
        shrinkage: float = 4.0,
        seed: int = 0,
    ) -> None:
        super().__init__(base, name, base_recipe)
        self.terms = tuple(terms)
        self.settings = {
            "base_recipe": base_recipe,
            "terms": list(self.terms),
            "clusters": clusters,
            "clusterings": clusterings,
            "shrinkage": shrinkage,
            "seed": seed,
        }

    def place_of(self, term: str) -> int:
        """Return where a term is in the vectors. Raise SettingError if it is none that was learnt."""
        if term in self.terms:
            return self.terms.index(term)
        raise SettingError(
            f"term: {term!r} is none that {self.name} has learnt; it knows {', '.join(self.terms)}"
            f"{did_you_mean(term, self.terms)}"
        )
