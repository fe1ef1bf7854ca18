"""Deflated DICOM files: all is unpacked, wherever the pieces end in which it is."""

import zlib

import numpy as np
import pytest
from support.dicom_files import write_dicom

from retrieval.readers.dicom.deflated import inflated

DEFLATED = "1.2.840.10008.1.2.1.99"


@pytest.mark.parametrize("n", [0, 1, 5, 50, 100, 300])
def test_the_last_bytes_are_not_lost(tmp_path, n):
    data = write_dicom(tmp_path / "x.dcm", np.zeros((2, 2), np.uint8), syntax=DEFLATED).read_bytes()
    head = data[: 144 + int.from_bytes(data[140:144], "little")]
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(bytes((1 << 20) + n)) + packer.flush()
    (tmp_path / "x.dcm").write_bytes(head + packed)
    with inflated(tmp_path / "x.dcm") as file:
        assert len(file.read()) == len(head) + (1 << 20) + n
