"""The learnt metric: a representation that projects what another one makes of a picture."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from ..errors import FitError
from ..picture import Picture
from ..rankers.dense import ExactRanker
from ..region import Region
from ..representation import Adjustable, Arrays, Encoding, Representation, needs_network
from .held_out import HeldOut
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
    """

    family = "metric"
    n_fit_pictures = 0

    def __init__(
        self,
        base: Representation,
        name: str,
        base_recipe: str = "",
        method: str = "nca",
        components: int | None = None,
        shrinkage: float = 0.1,
        seed: int = 0,
    ) -> None:
        self.base = base
        self.name = name
        self.settings: dict[str, Any] = {
            "base_recipe": base_recipe,
            "method": method,
            "components": components,
            "shrinkage": shrinkage,
            "seed": seed,
        }
        self.projection_: Projection | None = None
        self.held_out_: HeldOut | None = None

    @property
    def needs_network(self) -> bool:
        """Whether images are encoded by a network."""
        return needs_network(self.base)

    def with_projection(self, projection: Projection, held_out: HeldOut | None = None) -> Self:
        """Take what a ``MetricLearner`` has learnt from vectors of the base, and what without each fold.

        Without the second nothing is known of how it does on images that it was not learnt from.
        """
        self.projection_, self.held_out_ = projection, held_out
        return self

    @property
    def projection(self) -> Projection:
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
        return Encoding(self.projection.project(self.base.encode(picture, region).vector))

    def encode_query(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Project what the base makes of a query."""
        return Encoding(self.projection.project(self.base.encode_query(picture, region).vector))

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
        held_out = HeldOut.restore(folds) if folds else None
        return self.with_projection(Projection.restore(whole), held_out)

    def make_ranker(self) -> ExactRanker:
        """Return an empty ranker by cosine."""
        return ExactRanker(self.projection.dimension)

    def open_ranker(self, folders: Iterable[Path]) -> ExactRanker:
        """Open saved segments as one ranker."""
        return ExactRanker.open(folders, self.projection.dimension)
