"""NRRD in other units than millimetres: fields "units" and "space units"."""

import numpy as np
import pytest

from retrieval.readers import read_pictures
from retrieval.readers.volume_place import place_of

DATA = np.arange(4 * 5 * 6, dtype=np.uint8).tobytes()
HEAD = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 4 5 6\nencoding: raw\n"


def _write(path, fields):
    path.write_bytes(f"{HEAD}{fields}\n\n".encode() + DATA)
    return path


@pytest.mark.parametrize(
    ("unit", "length"),
    [("mm", 1), ("m", 1000), ("cm", 10), ("um", 0.001), ("\u03bcm", 0.001), ("Microns", 0.001), ("ms", 1)],
)
def test_lengths_become_millimetres(tmp_path, unit, length):
    units = " ".join([f'"{unit}"'] * 3)
    plain = _write(tmp_path / "a.nrrd", f"spacings: 2 3 4\nunits: {units}")
    space = "space: LPS\nspace directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (0,0,8)"
    placed = _write(tmp_path / "b.nrrd", f"{space}\nspace units: {units}")
    for path in (plain, placed):
        pictures = list(read_pictures(path, "x"))
        assert pictures[0].spacing == pytest.approx((3 * length, 2 * length))
        assert pictures[1].metadata["position"] == pytest.approx(4 * length, rel=0.1)
    assert place_of(placed).ends[0, 0, 2] == pytest.approx(8 * length)
