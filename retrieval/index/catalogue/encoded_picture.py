"""An encoded image: what the index keeps of one, on its way from a worker into the catalogue and segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...picture import Value
from ...representation import Encoding
from .privacy import TextMark


@dataclass(frozen=True, eq=False)
class EncodedPicture:
    """An image without its pixels: what the index keeps of it.

    Parameters
    ----------
    name : of the image in the index.
    shape : rows and columns in pixels.
    spacing : millimetres between rows and between columns; None if not known.
    groups : the series, study and patient of its file, as pseudonyms.
    metadata : the tags of its file.
    encodings : by the number of the representation.
    thumbnail : a JPEG, uint8 (n_bytes,); None if the index has it already.
    prepared : network inputs, by the number of the representation, of what is to be encoded in batches.
    text : what is known of text on it.
    pixels : the hash of its pixels; empty if the index has it already, or keeps none of it.
    """

    name: str
    shape: tuple[int, int]
    spacing: tuple[float, float] | None
    groups: Mapping[str, str]
    metadata: Mapping[str, Value]
    encodings: Mapping[int, Encoding]
    thumbnail: NDArray[np.uint8] | None
    prepared: Mapping[int, NDArray[Any]] = field(default_factory=dict)
    text: TextMark = TextMark.NONE
    pixels: bytes = b""

    @property
    def n_bytes(self) -> int:
        """About how many bytes of memory it takes."""
        # Python objects around the arrays take about 1 kB; the limit this is summed for needs no more
        # precision.
        n = 1000 if self.thumbnail is None else 1000 + self.thumbnail.nbytes
        for encoding in self.encodings.values():
            vector = encoding.vector
            n += vector.nbytes if isinstance(vector, np.ndarray) else 8 * len(vector.indices)
            n += 0 if encoding.evidence is None else encoding.evidence.nbytes
        return n
