"""Masks are values; of a volume, the one of the same slice."""

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image
from support.dicom_files import write_dicom

from retrieval.errors import PictureError
from retrieval.readers import read_pictures
from retrieval.readers.masks import MarkedImage, read_mask

AXIAL = {"plane": "axial"}
MASK = np.zeros((12, 16), dtype=bool)
MASK[3:7, 5:11] = True


@pytest.mark.parametrize("value", [1, 7, 255])
def test_any_value_but_zero_marks(tmp_path, value):
    Image.fromarray((MASK * value).astype(np.uint8)).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", MarkedImage(MASK.shape)), MASK)


@pytest.mark.parametrize("value", [-3, 40000, 0.001])
def test_negative_deep_and_tiny_values_mark(tmp_path, value):
    kind = np.float32 if isinstance(value, float) else np.int32
    other = np.where(MASK, kind(value), kind(0))
    other[0, 0] = 1_000_000 if kind is np.int32 else 1000.0  # a window would make the others black
    tifffile.imwrite(tmp_path / "m.tif", other)
    expected = MASK.copy()
    expected[0, 0] = True
    np.testing.assert_array_equal(read_mask(tmp_path / "m.tif", MarkedImage(MASK.shape)), expected)


def test_a_palette_without_black_marks_by_number(tmp_path):
    marked = np.zeros((6, 8), np.uint8)
    marked[1:3, 2:5] = 1
    expected = {True: marked == 1, False: marked == 0}
    for ground_is_white in (True, False):
        image = Image.fromarray(marked, "P")
        # On black ground what is shown counts, so that a ground with another number marks nothing.
        image.putpalette([255, 255, 255, 255, 0, 0] if ground_is_white else [0, 255, 0, 0, 0, 0])
        image.save(tmp_path / "m.png")
        found = read_mask(tmp_path / "m.png", MarkedImage((6, 8)))
        np.testing.assert_array_equal(found, expected[ground_is_white])


def test_white_is_zero_marks_by_value(tmp_path):
    tifffile.imwrite(tmp_path / "m.tif", MASK.astype(np.uint8), photometric="miniswhite")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.tif", MarkedImage(MASK.shape)), MASK)


@pytest.fixture
def volume(tmp_path):
    marks = np.zeros((16, 12, 6), np.uint8)
    marks[:4, :4, 0] = 1
    marks[9:14, 5:9, 4] = 3
    nib.save(nib.Nifti1Image(marks, np.diag([1, 1, 4, 1])), tmp_path / "m.nii")
    return tmp_path / "m.nii"


def _slice(path, number):
    (picture,) = read_pictures(path, "m", frames=[number])
    return picture.pixels > 0


def test_the_mask_of_a_volume_is_taken_at_the_slice_asked(volume):
    about = {"plane": "axial", "position": 16.0}
    image = MarkedImage(MASK.shape, is_one_of_many=True, frame=4, metadata=about)
    np.testing.assert_array_equal(read_mask(volume, image), _slice(volume, 4))
    named = volume.with_name("m.nii#0")
    np.testing.assert_array_equal(read_mask(named, image), _slice(volume, 0))


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (MarkedImage(MASK.shape), "the mask holds 6 images"),
        (MarkedImage(MASK.shape, True, 9), "there is no frame 9; the file holds 6"),
        (MarkedImage(MASK.shape, True, 2, AXIAL), "is black, and marks nothing in image 2"),
        (MarkedImage((3, 3), True, 4, AXIAL), "is 16 × 12 pixels, and the query 3 × 3"),
        # Frames of DICOM, whose slices may be in the other order.
        (
            MarkedImage(MASK.shape, True, 4, {"position": 16.0, "normal": "0/0/1"}),
            "name the one that is meant",
        ),
        (MarkedImage(MASK.shape, True, 4, {"plane": "coronal"}), "axial, and the query is coronal"),
        (MarkedImage(MASK.shape, True, 4, {"plane": "axial", "position": 8.0}), "at 16 mm, and the query"),
    ],
)
def test_a_mask_that_is_not_clearly_meant_is_refused(volume, image, reason):
    with pytest.raises(PictureError, match=reason):
        read_mask(volume, image)


def test_a_missing_mask_and_a_name_that_is_no_number_are_refused(volume):
    with pytest.raises(PictureError, match="no such file"):
        read_mask(volume.with_name("gone.png"), MarkedImage(MASK.shape))
    with pytest.raises(PictureError, match="by its number"):
        read_mask(volume.with_name("m.nii#lung"), MarkedImage(MASK.shape))


def test_a_tile_of_a_slide_is_no_frame_of_its_file(tmp_path, volume):
    box = {"x": 192.0, "y": 128.0, "width": 64.0, "height": 64.0}
    tile = MarkedImage(MASK.shape, True, metadata={"um_per_px": 1.0, **box}, path=lambda: tmp_path / "s.dcm")
    report = write_dicom(tmp_path / "sr.dcm", MASK.astype(np.uint8), sop="1.2.840.10008.5.1.4.1.1.88.34")
    write_dicom(tmp_path / "s.dcm", MASK.astype(np.uint8))
    with pytest.raises(PictureError, match="at another scale than its file, which does not say where the"):
        read_mask(report, tile)
    with pytest.raises(PictureError, match="tile of a slide; name one of them, such as"):
        read_mask(volume, tile)
    np.testing.assert_array_equal(read_mask(volume.with_name("m.nii#4"), tile), _slice(volume, 4))


@pytest.mark.parametrize(("name", "settings"), [("m.jpg", {}), ("m.webp", {"quality": 75}), ("c.jpg", {})])
def test_what_lossy_compression_leaves_around_a_mask_marks_nothing(tmp_path, name, settings):
    marked = np.zeros((96, 96), dtype=bool)
    marked[21:60, 13:50] = np.hypot(*np.mgrid[-19:20, -18:19]) < 18
    values = marked * np.uint8(255)
    Image.fromarray(values if name[0] == "m" else np.dstack([values] * 3)).save(tmp_path / name, **settings)
    np.testing.assert_array_equal(read_mask(tmp_path / name, MarkedImage((96, 96))), marked)
