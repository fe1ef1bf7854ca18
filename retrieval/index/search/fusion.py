"""Fusion: the rankings of a query by several representations become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...answers.fusion import Scale, Vote, fuse, votes
from ...ranker import Ids, Ranking
from ..catalogue.learned_fusions import decide, weights_of
from ..storage.snapshot import Snapshot
from .encode_query import EncodedQuery
from .query_options import QueryOptions
from .rerank import Reranked
from .sampled_scores import scale_for


def fusion_rule(snapshot: Snapshot, names: Sequence[str], options: QueryOptions) -> str:
    """Return the rule that fuses representations: that of the options, else that of the index."""
    if options.fusion is not None:
        return options.fusion
    # Matches that agree in space raise the scores of a region, each representation by as much as it will.
    if options.region is not None:
        return "rrf"
    return "learnt" if decide(snapshot.fusions, names, snapshot.stored) else snapshot.rule


@dataclass(frozen=True)
class Fusion:
    """How the rankings by some representations become one; that by a single one stays as it is.

    Parameters
    ----------
    names : the representations, in the order of the rankings.
    rule : see ``retrieval.answers.fusion``.
    weights : of each representation, if the rule has weights that were learnt.
    scales : of each representation, if the rule adds scores; see ``scaled``.
    """

    names: Sequence[str]
    rule: str
    weights: tuple[float, ...] | None = None
    scales: tuple[Scale, ...] | None = None

    @classmethod
    def of(cls, snapshot: Snapshot, encoded: Sequence[EncodedQuery], options: QueryOptions) -> Fusion:
        """Return the fusion that the options ask for. Raise SettingError if its weights were never learnt."""
        names = [one.name for one in encoded]
        rule = fusion_rule(snapshot, names, options)
        # A single ranking needs no weight, so that `learnt` may stay set whatever answers.
        if rule != "learnt" or len(names) == 1:
            return cls(names, rule)
        weights = weights_of(snapshot.fusions, names, snapshot.stored)
        own = tuple(one.weight for one in encoded if one.weight is not None)
        return cls(names, rule, own or weights)

    def scaled(self, snapshot: Snapshot, reranked: Sequence[Reranked]) -> Fusion:
        """Return the fusion with the scales of a query, as it asked, over the sample of the index."""
        if self.rule == "rrf" or len(reranked) == 1:
            return self
        return replace(self, scales=tuple(scale_for(snapshot, one, self.rule) for one in reranked))

    def fuse(self, rankings: Sequence[Ranking]) -> Ranking:
        """Return the fused ranking of all images that any of the rankings holds."""
        if len(rankings) == 1:
            return rankings[0]
        return fuse(rankings, self.rule, weights=self.weights, scales=self.scales)

    def votes(self, rankings: Sequence[Ranking], ids: Ids) -> Sequence[Mapping[str, Vote]]:
        """Return how each representation voted for some images, in their order; no votes for a single one."""
        # A vote says what share of the fused score a representation gave: alone it gave all.
        if len(rankings) == 1:
            return [{} for _ in ids]
        return votes(self.names, rankings, self.rule, self.weights, ids, self.scales)
