"""Region search: regions are found, and hits explained, by the window embeddings of each image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import SettingError
from retrieval.evidence.explanation import Explanation
from retrieval.evidence.localization import Candidates, Located
from retrieval.region import Region
from retrieval.representation import Encoding

from ..settings import DeepSettings
from .window_embeddings import N_HALVES, WindowLocator, heat_map, windows


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
        asked = query.evidence[: self.chosen.orientations]
        return WindowLocator(windows(self.chosen.cells)).locate(
            asked, shape, region or Region.whole(shape), candidates
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
        heat = heat_map(self._sought(query, region), hit.evidence, windows(self.chosen.cells), hit_shape)
        return Explanation(heat, np.empty((0, 4), np.float32), np.empty(0, np.bool_))

    def _sought(self, query: Encoding, region: Region | None) -> NDArray[np.float32]:
        """Return what the windows of hits are compared with, (part d,)."""
        own = query.evidence
        if region is not None and own is not None and len(own):
            return np.asarray(
                own["values"][0], dtype=np.float32
            )  # the region as windows are pooled, rather than its box
        vector = np.asarray(query.vector)  # (d,), or (orientations, d): the first is the image as it is
        if own is None or (self.chosen.projected and not self.chosen.surround):
            return vector[0] if vector.ndim == 2 else vector
        # Such a vector cannot be compared with windows: those of half its sides say what it shows.
        halves = own["values"][:N_HALVES].astype(np.float32)  # (9, part d), or the whole image's (1, part d)
        lengths = np.linalg.norm(halves, axis=1, keepdims=True)
        return np.asarray((halves / np.maximum(lengths, 1)).mean(axis=0))
