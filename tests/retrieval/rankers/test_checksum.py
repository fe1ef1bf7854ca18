"""Facts about the CRC-32: the same by each library, and none is loaded for little."""

import sys
import zlib

from hypothesis import given
from hypothesis import strategies as st

from retrieval.rankers.checksum import MUCH, crc32_for


@given(st.binary(max_size=300), st.integers(0, (1 << 32) - 1))
def test_it_is_that_of_zlib(data, before):
    for n in (0, MUCH):
        assert crc32_for(n)(data, before) == zlib.crc32(data, before)
        assert crc32_for(n)(memoryview(data)[1:], 0) == zlib.crc32(data[1:])


def test_for_little_nothing_is_loaded(monkeypatch):
    monkeypatch.delitem(sys.modules, "imagecodecs", raising=False)
    assert crc32_for(MUCH - 1) is zlib.crc32
    monkeypatch.delitem(sys.modules, "numpy", raising=False)
    assert crc32_for(MUCH) is zlib.crc32
