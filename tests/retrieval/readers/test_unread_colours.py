"""Colours of kinds that are not read are refused by name, never shown as others."""

import imagecodecs
import numpy as np
import pytest

from retrieval.errors import PictureError
from retrieval.readers import read_pictures

INKS = np.random.default_rng(0).integers(0, 256, (6, 8, 4), dtype=np.uint8)


@pytest.mark.parametrize(("space", "is_read"), [(16, True), (12, False), (14, False)])
def test_of_jpeg_2000(tmp_path, space, is_read):
    data = imagecodecs.jpeg2k_encode(INKS, codecformat="jp2", level=0, reversible=True)
    # ISO 15444-1 I.5.3.3: method 1, precedence, approximation, and the number of the space: 16 is sRGB.
    named = b"colr\x01\0\0" + (16).to_bytes(4, "big")
    assert named in data
    path = tmp_path / "x.jp2"
    path.write_bytes(data.replace(named, named[:7] + space.to_bytes(4, "big")))
    if is_read:  # the fourth component is alpha then
        (picture,) = read_pictures(path, path.name)
        expected = INKS[..., :3] / 255 * (INKS[..., 3:] / 255)
        np.testing.assert_allclose(picture.pixels, expected, atol=0.003)
        return
    # Taken for RGB and alpha, ink would be shown in false colours.
    with pytest.raises(PictureError, match=f"of the kind {space} are not supported"):
        list(read_pictures(path, path.name))
