"""The learnt metric: a representation that projects what another one makes of a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import FitError
from ..picture import Picture
from ..ranker import Ranker
from ..rankers.dense import ExactRanker
from ..region import Region
from ..representation import Adjustable, Arrays, Encoding, Representation, Vector, needs_network
from .blended_ranker import blended, join
from .held_out import HeldOut, Projected
from .projection import Projection


class LearnedMetric:
    """Rank by a metric that was learnt on the vectors of another representation.

    An index derives its vectors from the stored ones of the base, so that no picture is described twice; only
    a query that is not in the index is described anew. It keeps no evidence: the base has it.

    Parameters
    ----------
    base : the fitted representation whose vectors are projected.
    name : what it is called: the base's name, ``+``, and a name of its own.
    base_recipe : the hash of the recipe of the base; with another one the metric means nothing.
    method, components, shrinkage, seed : how it was learnt; see ``MetricLearner``.
    base_weight : of the base's cosine beside the metric's, at least 0; see ``BlendedRanker``.
    """

    family = "metric"
    version = 1
    """Of how it is learnt and projects; see ``retrieval.index.update.flow``."""
    n_fit_pictures = 0
    kind: type[Projected] = Projection
    """Of what is learnt."""
    later_settings: Mapping[str, Any] = {"base_weight": 0.0}
    """What metrics of earlier versions lack: they rank alone."""

    def __init__(
        self,
        base: Representation,
        name: str,
        base_recipe: str = "",
        method: str = "nca",
        components: int | None = None,
        shrinkage: float = 0.1,
        seed: int = 0,
        base_weight: float = 0.0,
    ) -> None:
        self.base = base
        self.name = name
        self.settings: dict[str, Any] = {
            "base_recipe": base_recipe,
            "method": method,
            "components": components,
            "shrinkage": shrinkage,
            "seed": seed,
            "base_weight": base_weight,
        }
        self.base_weight = base_weight
        self.projection_: Projected | None = None
        self.held_out_: HeldOut | None = None

    @property
    def needs_network(self) -> bool:
        """Whether its base takes seconds to load."""
        return needs_network(self.base)

    def with_projection(self, projection: Projected, held_out: HeldOut | None = None) -> Self:
        """Take what a ``MetricLearner`` has learnt from vectors of the base, and what without each fold.

        Without the second nothing is known of how it does on images that it was not learnt from.
        """
        self.projection_, self.held_out_ = projection, held_out
        return self

    @property
    def projection(self) -> Projected:
        """What was learnt. Raise FitError if nothing was."""
        if self.projection_ is None:
            raise FitError(f"{self.name} has learnt nothing; `semblance learn-metric` learns from labels")
        return self.projection_

    def sample(self, picture: Picture) -> Arrays:
        """Draw nothing: it is learnt from vectors and labels, not from pictures."""
        return {}

    def learn(self, samples: Iterable[Arrays]) -> Self:
        """Stay as it is. Raise FitError if it has learnt nothing."""
        _ = self.projection
        return self

    def fit(self, pictures: Iterable[Picture]) -> Self:
        """Stay as it is. Raise FitError if it has learnt nothing."""
        return self.learn(())

    @property
    def is_fitted(self) -> bool:
        """Tell whether ``encode`` can be called."""
        return self.projection_ is not None

    def encode(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Project what the base makes of a picture, or of a region of it."""
        return Encoding(self._joined(self.base.encode(picture, region).vector))

    def encode_query(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Project what the base makes of a query."""
        return Encoding(self._joined(self.base.encode_query(picture, region).vector))

    def _joined(self, vector: Vector) -> Vector:
        own = self.projection.project(vector)
        return join(own, vector, self.base_weight) if self.base_weight else own

    def derive(self, vector: Vector) -> NDArray[np.float32]:
        """Return what is stored of an image, given the vector of its base: the projection alone."""
        return self.projection.project(vector)

    @property
    def query_settings(self) -> tuple[str, ...]:
        """The settings of the base that change queries alone."""
        return self.base.query_settings if isinstance(self.base, Adjustable) else ()

    def adjusted(self, **settings: Any) -> LearnedMetric:
        """Return the same metric over a base with other ``query_settings``."""
        # The projection is kept: settings of queries change no vector that it was learnt from.
        base = self.base.adjusted(**settings) if isinstance(self.base, Adjustable) else self.base
        made = LearnedMetric(base, self.name, **self.settings)
        return made.with_projection(self.projection, self.held_out_)

    def learnt(self) -> Arrays:
        """Return the arrays of the projections; those of the base are the base's own."""
        held_out = {} if self.held_out_ is None else self.held_out_.arrays()
        return {**self.projection.arrays(), **held_out}

    def restore(self, arrays: Arrays) -> Self:
        """Take back what ``learnt`` returned. Raise IndexFolderError if it is something else."""
        folds = {name: array for name, array in arrays.items() if name.startswith("fold")}
        whole = {name: array for name, array in arrays.items() if name not in folds}
        # Metrics of earlier versions have no folds.
        held_out = HeldOut.restore(folds, self.kind) if folds else None
        return self.with_projection(self.kind.restore(whole), held_out)

    def make_ranker(self) -> ExactRanker:
        """Return an empty ranker by cosine, of the metric alone; see ``ranker_of`` for the blend."""
        return ExactRanker(self.projection.dimension)

    def open_ranker(self, folders: Iterable[Path]) -> ExactRanker:
        """Open saved segments as one ranker, of the metric alone."""
        return ExactRanker.open(folders, self.projection.dimension)

    def ranker_of(self, own: Ranker, base: Ranker) -> Ranker:
        """Return the ranker of queries: that of projected vectors blended with that of the base's."""
        return blended(own, base, self.projection.dimension, self.base_weight)
