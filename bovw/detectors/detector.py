"""The detector: what finds the interest points of a grey image, as many as are wanted."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PictureError, SettingError

from ..keypoints import Keypoints

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]


@runtime_checkable
class Detector(Protocol):
    """What every detector can do. Its settings are the fields of a frozen dataclass."""

    @property
    def points(self) -> int:
        """The number of points that are wanted."""
        ...

    def detect(self, image: Grey, mask: Mask | None = None) -> Keypoints:
        """Find interest points.

        Parameters
        ----------
        image : float32 (rows, cols), grey in [0, 1]; never written to.
        mask : bool (rows, cols), where points may be; None: anywhere.

        Returns
        -------
        ``points`` keypoints, within 2 %, if the image has that many; else fewer. A constant image and an
        empty mask give none. The same image always gives the same points.

        Raises
        ------
        PictureError : an image that is not 2-D, or a mask of another shape.
        """
        ...


def admit(image: Grey, mask: Mask | None) -> tuple[Grey, Mask]:
    """Return image and mask as C-contiguous arrays of one shape; no mask becomes one that is all True."""
    # Kernels are compiled for C-contiguous arrays of these types only.
    if np.ndim(image) != 2 or 0 in np.shape(image):
        raise PictureError(f"a detector wants a grey image (rows, cols), not one of shape {np.shape(image)}")
    grey = np.ascontiguousarray(image, dtype=np.float32)
    if mask is None:
        return grey, np.ones(grey.shape, dtype=np.bool_)
    if np.shape(mask) != grey.shape:
        raise PictureError(
            f"the mask has the shape {np.shape(mask)}, its image {grey.shape}: make them equal"
        )
    return grey, np.ascontiguousarray(mask, dtype=np.bool_)


def is_blank(grey: Grey, inside: Mask) -> bool:
    """Whether there is nothing to find: a constant image, or an empty mask."""
    return bool(grey.min() == grey.max()) or not inside.any()


def require(sound: bool, name: str, value: object, remedy: str) -> None:
    """Raise SettingError if a setting is not sound, with the name, the value and the remedy."""
    if not sound:
        raise SettingError(f"{name}: {value!r} will not do; {remedy}")


def require_one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise SettingError if a setting is none of its choices, with the choices."""
    require(value in choices, name, value, f"take one of {', '.join(choices)}")
