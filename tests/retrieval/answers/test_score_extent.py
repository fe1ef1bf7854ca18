"""Facts about the extent of a match along a stack."""

import numpy as np
import pytest

from retrieval.answers.score_extent import extent


@pytest.mark.parametrize(
    ("scores", "best", "expected"),
    [
        ([0, 0, 0, 8, 9, 8, 0, 0, 0, 0], 4, (3, 5)),
        ([0, 0, 8, 9, 1, 8, 8, 0, 0, 0, 0, 0, 0, 0], 3, (2, 6)),  # one odd slice inside
        ([0, 9, 0, 0, 0, 9, 8, 8, 0, 0, 0], 5, (5, 7)),  # another one, farther away
        ([9, 8, 0, 0, 0, 0], 0, (0, 1)),
        ([0, 0, 0, 0, 8, 9], 5, (4, 5)),
        ([5, 5, 5], 1, (0, 2)),
        ([3], 0, (0, 0)),
    ],
)
def test_it_holds_the_slices_around_the_best_that_score_like_it(scores, best, expected):
    assert extent(np.array(scores, dtype=np.float32), best) == expected
