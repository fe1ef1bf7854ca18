"""Region search: regions are found, and hits explained, by the window embeddings of each image."""

from __future__ import annotations

import numpy as np

from retrieval.errors import SettingError
from retrieval.evidence.explanation import Explanation
from retrieval.evidence.localization import Candidates, Located
from retrieval.region import Region
from retrieval.representation import Encoding

from ..settings import DeepSettings
from .window_embeddings import WindowLocator, heat_map, windows


class RegionSearch:
    """Locate regions and explain hits by the window embeddings that ``chosen.cells`` asks for."""

    chosen: DeepSettings

    def n_candidates(self, has_region: bool) -> int | None:
        """Return None, which is all, for a region if there are window embeddings; else 0."""
        return None if has_region and self.chosen.cells else 0

    def locate(
        self, query: Encoding, shape: tuple[int, int], region: Region | None, candidates: Candidates
    ) -> Located:
        """Find the window of each image that is most like the region of a query. See ``WindowLocator``."""
        assert query.evidence is not None
        return WindowLocator(windows(self.chosen.cells)).locate(
            query.evidence, shape, region or Region.whole(shape), candidates
        )

    def explain(
        self,
        query: Encoding,
        shape: tuple[int, int],
        region: Region | None,
        hit: Encoding,
        hit_shape: tuple[int, int],
    ) -> Explanation:
        """Return which places of a hit are like the query; see ``Explainer``.

        Raise SettingError if the index holds no window embeddings.
        """
        if hit.evidence is None:
            raise SettingError(
                "explain: deep keeps no window embeddings in this index; index again with --cells 5"
            )
        vector = np.asarray(query.vector)  # (d,), or (orientations, d): the first is the image as it is
        vector = vector[0] if vector.ndim == 2 else vector
        if region is not None and query.evidence is not None and len(query.evidence):
            vector = query.evidence["values"][0]  # the region as windows are pooled, rather than its box
        heat = heat_map(vector, hit.evidence, windows(self.chosen.cells), hit_shape)
        return Explanation(heat, np.empty((0, 4), np.float32), np.empty(0, np.bool_))
