"""Facts about files that claim or hold far more than they seem to: each ends within the limits of a file."""

import numpy as np
import pytest
from support.bombs import BOMBS, write_bomb

from retrieval.errors import PictureError
from retrieval.readers.guarded import read_guarded
from retrieval.readers.limits import Limits

MEGABYTES = 40


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_within_small_limits(tmp_path, name):
    path, expected = write_bomb(tmp_path, name, MEGABYTES)
    assert path.stat().st_size < 100_000
    # Less memory than the compressed ones hold three times, or the others claim.
    limits = Limits(max_seconds=20, max_memory=120)
    if isinstance(expected, str):
        with pytest.raises(PictureError, match=expected):
            list(read_guarded(path, name, limits=limits))
    else:
        pictures = list(read_guarded(path, name, limits=limits))
        assert len(pictures) == expected
        assert not any(np.any(p.pixels) for p in pictures)
