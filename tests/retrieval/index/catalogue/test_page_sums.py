"""Facts about the checksums of the catalogue: the same with and without numpy, and parity mends a page."""

import os
import subprocess
import sys

import numpy as np

from retrieval.index.catalogue.page_sums import PageSums


def pages(n):
    """Return n pages of 512 bytes, the first of which says so; none is a free one."""
    data = bytearray(os.urandom(512 * n))
    data[16:18] = (512).to_bytes(2, "big")
    data[32:40] = bytes(8)
    return bytes(data)


def test_they_are_the_same_without_numpy(tmp_path):
    (tmp_path / "catalogue").write_bytes(data := pages(37))
    code = (
        "import sys; from pathlib import Path; from retrieval.index.catalogue.page_sums import PageSums\n"
        "sums = PageSums.of(Path(sys.argv[1]).read_bytes(), 5).to_bytes()\n"
        "assert 'numpy' not in sys.modules; sys.stdout.buffer.write(sums)"
    )
    ask = [sys.executable, "-c", code, str(tmp_path / "catalogue")]
    shown = subprocess.run(ask, capture_output=True, check=True).stdout
    assert len(np.frombuffer(shown, np.uint8)) > 0  # numpy is loaded here
    assert PageSums.of(data, 5).to_bytes() == shown


def test_a_damaged_page_is_mended():
    data = pages(37)
    damaged = bytearray(data)
    damaged[512 * 20 + 7] ^= 1
    sums = PageSums.of(data, 5)
    assert sums.damaged(bytes(damaged)) == [20] and sums.mended(bytes(damaged)) is not None
    mended = sums.mended(bytes(damaged))
    assert mended is not None and mended[512:] == data[512:]
