"""The place of a point in its image, as part of its descriptor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import SettingError

from ..keypoints import Keypoints


def append_position(
    descriptors: NDArray[np.float32], keypoints: Keypoints, shape: tuple[int, int], weight: float
) -> NDArray[np.float32]:
    """Append the place of each point, so that words stand for a look and a place (Avni 2011).

    Parameters
    ----------
    descriptors : float32 (n, d), one a keypoint.
    shape : (rows, cols) of the image.
    weight : what half an image's extent counts, in units of the descriptors; finite, 0 or more.

    Returns
    -------
    float32 (n, d + 2) : the descriptors, then weight · (row, col), each from −1 at the upper or left edge of
        the image to 1 at the lower or right one.
    """
    if not 0 <= weight < np.inf:
        raise SettingError(f"weight must be 0 or more, not {weight}")
    # Pixel centres: the first of n columns is half a pixel inside, at 1/n − 1.
    centred = [(2 * at + 1) / n - 1 for at, n in zip((keypoints.rows, keypoints.cols), shape, strict=True)]
    return np.column_stack([descriptors, np.float32(weight) * np.column_stack(centred)]).astype(np.float32)
