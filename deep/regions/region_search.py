"""Region search: what a deep embedding does with the cells that are kept of each picture."""

from __future__ import annotations

import numpy as np

from retrieval.errors import SettingError
from retrieval.explanation import Explanation
from retrieval.localization import Candidates, Located
from retrieval.region import Region
from retrieval.representation import Encoding

from ..settings import DeepSettings
from .window_embeddings import CellLocator, warmth, windows


class RegionSearch:
    """Locate regions and explain hits by the evidence that ``chosen.cells`` asks for."""

    chosen: DeepSettings

    def n_candidates(self, has_region: bool) -> int | None:
        """Return None, which is all, for regions where there are cells; 0 for all else."""
        return None if has_region and self.chosen.cells else 0

    def locate(
        self, query: Encoding, shape: tuple[int, int], region: Region | None, candidates: Candidates
    ) -> Located:
        """Find the cell of each picture that is most like the region of a query. See ``CellLocator``."""
        assert query.evidence is not None
        return CellLocator(windows(self.chosen.cells)).locate(
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
        """Say which places of a hit are like the query; see ``Explainer``."""
        if hit.evidence is None:
            raise SettingError("explain: deep keeps no cells in this index; index again with --cells 5")
        asked = np.asarray(query.vector)
        asked = asked[0] if asked.ndim == 2 else asked
        if region is not None and query.evidence is not None and len(query.evidence):
            asked = query.evidence["values"][0]
        heat = warmth(asked, hit.evidence, windows(self.chosen.cells), hit_shape)
        return Explanation(heat, np.empty((0, 4), np.float32), np.empty(0, np.bool_))
