"""MetaImage: lengths in other units than millimetres (DistanceUnits), and directions of volumes over time."""

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


def test_volumes_over_time_are_turned_as_one_is(tmp_path):
    one, two = tmp_path / "one.mha", tmp_path / "two.mha"
    values = np.arange(4 * 5 * 6, dtype=np.uint8).tobytes()
    coronal = "TransformMatrix = 1 0 0 0 0 -1 0 1 0\n"
    one.write_bytes(f"{HEAD}{coronal}ElementDataFile = LOCAL\n".encode() + values)
    head = HEAD.replace("NDims = 3", "NDims = 4").replace("4 5 6", "4 5 6 2").replace("2 3 4", "2 3 4 1.5")
    over_time = "TransformMatrix = 1 0 0 0 0 0 -1 0 0 1 0 0 0 0 0 1\nElementDataFile = LOCAL\n"
    two.write_bytes((head.replace("0 0 8", "0 0 8 0") + over_time).encode() + values * 2)
    expected, found = (list(read_pictures(path, "x")) for path in (one, two))
    assert [p.metadata["plane"] for p in found] == ["coronal"] * 12
    np.testing.assert_array_equal([p.pixels for p in found], [p.pixels for p in expected] * 2)
    assert place_of(two).ends == pytest.approx(place_of(one).ends)
