"""The embedding of a region, pooled from its own image's maps as windows of indexed images are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrieval.picture import Picture
from retrieval.region import Region

from ..networks.preprocessing import coverage, prepare, views

if TYPE_CHECKING:
    from ..networks.runner import Runner


def region_embeddings(
    runner: Runner, picture: Picture, region: Region, side: int, has_surround: bool, orientations: int = 1
) -> NDArray[np.float32]:
    """Return the embeddings of a region, one for each orientation of its image, as one of windows.

    They are float32 (orientations, part d), the image as it is first; (0, part d) without a pixel. With
    ``has_surround``, of how it differs from the rest of a box around it of twice its height and width.
    """
    inside = coverage(picture, region, side)
    if inside is None:
        return runner.no_parts()
    around = None
    if has_surround:
        row, col, height, width = region.bounds()
        twice = Region.box(row - height / 2, col - width / 2, 2 * height, 2 * width)
        covered = coverage(picture, twice, side)
        assert covered is not None  # it holds the region, which holds a pixel
        around = np.stack(views(np.clip(covered - inside, 0, None), orientations))
    squares = np.stack(views(prepare(picture, side), orientations))
    return runner.embed_part(squares, np.stack(views(inside, orientations)), around)
