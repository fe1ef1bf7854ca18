"""MetaImage in other units than millimetres: the field DistanceUnits."""

import numpy as np
import pytest

from retrieval.readers import read_pictures
from retrieval.readers.volume_place import place_of

HEAD = "NDims = 3\nDimSize = 4 5 6\nElementType = MET_UCHAR\nElementSpacing = 2 3 4\nOffset = 0 0 8\n"


@pytest.mark.parametrize(
    ("unit", "length"),
    [("mm", 1), ("um", 0.001), ("\u03bcm", 0.001), ("cm", 10), ("CM", 10), ("m", 1000), ("?", 1), ("s", 1)],
)
def test_lengths_become_millimetres(tmp_path, unit, length):
    path = tmp_path / "a.mha"
    values = np.arange(4 * 5 * 6, dtype=np.uint8).tobytes()
    path.write_bytes(f"{HEAD}DistanceUnits = {unit}\nElementDataFile = LOCAL\n".encode() + values)
    pictures = list(read_pictures(path, "x"))
    assert pictures[0].spacing == pytest.approx((3 * length, 2 * length))
    assert pictures[1].metadata["position"] == pytest.approx(4 * length, rel=0.1)
    assert place_of(path).ends[0, 0, 2] == pytest.approx(8 * length)
