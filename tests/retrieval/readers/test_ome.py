"""OME-TIFF: the physical size of each image of a file."""

import re

import numpy as np
import pytest
import tifffile

from retrieval.readers import read_pictures


def _write(path, *sizes, orientation=1):
    """Write an image for each size (of rows, of columns, in mm), or for None."""
    with tifffile.TiffWriter(path, ome=True) as writer:
        for n, size in enumerate(sizes):
            metadata = {"axes": "YX"}
            for axis, length in zip("YX", size or (), strict=False):
                metadata |= {f"PhysicalSize{axis}": length, f"PhysicalSize{axis}Unit": "mm"}
            how = {"photometric": "minisblack", "extratags": [(274, "H", 1, orientation, True)]}
            writer.write(np.full((16, 16 + n), n, np.uint8), metadata=metadata, **how)
    return path


def _spacings(path):
    return [picture.spacing for picture in read_pictures(path, "x")]


def test_each_image_of_a_file_has_its_own_size(tmp_path):
    path = _write(tmp_path / "x.ome.tif", (0.5, 0.25), (0.1, 0.2), None)
    assert _spacings(path) == [pytest.approx((0.5, 0.25)), pytest.approx((0.1, 0.2)), None]


def test_sizes_of_images_in_other_files_are_theirs(tmp_path):
    path = _write(tmp_path / "x.ome.tif", (0.5, 0.25))
    xml = tifffile.tiffcomment(path)
    (own,) = re.findall(r'<OME [^>]*UUID="([^"]+)"', xml)
    (image,) = re.findall(r"<Image .*</Image>", xml, re.DOTALL)
    other = image.replace('"0.5"', '"7.0"').replace('"0.25"', '"7.0"')
    other = re.sub(r"<TiffData.*?(/>|</TiffData>)", _of("urn:uuid:0"), other, flags=re.DOTALL)
    image = re.sub(r"<TiffData.*?(/>|</TiffData>)", _of(own), image, flags=re.DOTALL)
    start = xml[: xml.index("<Image ")]
    tifffile.tiffcomment(path, f"{start}{other}{image}</OME>".encode())
    assert _spacings(path) == [pytest.approx((0.5, 0.25))]


def _of(uuid):
    return f'<TiffData IFD="0" PlaneCount="1"><UUID FileName="x">{uuid}</UUID></TiffData>'


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_are_turned_with_the_image(tmp_path, orientation):
    path = _write(tmp_path / "x.ome.tif", (0.5, 0.25), orientation=orientation)
    assert _spacings(path) == [pytest.approx((0.5, 0.25) if orientation < 5 else (0.25, 0.5))]
