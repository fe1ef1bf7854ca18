"""Masks of volumes: the slice at the same place in the patient, whatever part of it a file holds."""

import nibabel as nib
import numpy as np
import pytest

from retrieval.errors import PictureError
from retrieval.readers import read_pictures
from retrieval.readers.masks import MarkedImage, read_mask

AFFINE = np.array([[-1.0, 0, 0, 12], [0, -1, 0, 7], [0, 0, 3, -100], [0, 0, 0, 1]])
SHAPE = (10, 12, 20)
MARKS = np.zeros(SHAPE, np.uint8)
for _z in range(20):
    MARKS[1 : 3 + _z % 7, 2:9, _z] = 1
WHOLE = nib.Nifti1Image(MARKS, AFFINE)


def _nifti(path, image):
    nib.save(image, path)
    return path


def _metaimage(path, image):
    # ITK counts towards left and back.
    step, origin = image.header.get_zooms()[:3], image.affine[:3, 3] * [-1, -1, 1]
    matrix = (image.affine[:3, :3] / step * np.array([[-1], [-1], [1]])).T.ravel()
    lines = {
        "NDims": 3, "DimSize": image.shape, "ElementType": "MET_UCHAR", "TransformMatrix": matrix,
        "Offset": origin, "ElementSpacing": step, "ElementDataFile": "LOCAL",
    }  # fmt: skip
    text = "".join(f"{name} = {' '.join(map(str, np.atleast_1d(v)))}\n" for name, v in lines.items())
    path = path.with_suffix(".mha")
    path.write_bytes(text.encode() + np.asarray(image.dataobj).tobytes("F"))
    return path


def _nrrd(path, image):
    vectors = " ".join(f"({','.join(map(str, column))})" for column in image.affine[:3, :3].T)
    text = (
        "NRRD0004\ntype: uint8\ndimension: 3\nspace: right-anterior-superior\n"
        f"sizes: {' '.join(map(str, image.shape))}\nspace directions: {vectors}\nencoding: raw\n"
        f"space origin: ({','.join(map(str, image.affine[:3, 3]))})\n\n"
    )
    path = path.with_suffix(".nrrd")
    path.write_bytes(text.encode() + np.asarray(image.dataobj).tobytes("F"))
    return path


def _of(path, frame):
    (picture,) = read_pictures(path, path.name, frames=[frame])
    return MarkedImage(picture.shape, True, frame, picture.metadata, lambda: path)


def _shown(tmp_path, number):
    return read_mask(tmp_path / f"whole.nii#{number}", MarkedImage((12, 10)))


@pytest.fixture
def whole(tmp_path):
    return _nifti(tmp_path / "whole.nii", WHOLE)


@pytest.mark.parametrize("write", [_nifti, _metaimage, _nrrd])
@pytest.mark.parametrize("is_turned", [False, True], ids=["same order", "other order"])
def test_a_mask_of_some_slices_marks_those(tmp_path, whole, write, is_turned):
    part = WHOLE.slicer[9::-1, :, 13:5:-1] if is_turned else WHOLE.slicer[:, :, 6:14]
    mask = write(tmp_path / "part.nii", part)
    for number in (6, 7, 13):
        np.testing.assert_array_equal(read_mask(mask, _of(whole, number)), _shown(tmp_path, number))
    for number in (2, 15):
        with pytest.raises(PictureError, match="slices are at -82 to -61 mm, and the query at -"):
            read_mask(mask, _of(whole, number))
    # What is named is taken as it is.
    named = mask.with_name(mask.name + "#2")
    assert (read_mask(named, _of(whole, 2)) == read_mask(named, _of(whole, 15))).all()


@pytest.mark.parametrize("write", [_nifti, _metaimage, _nrrd])
def test_the_query_may_be_of_any_format_and_hold_a_part(tmp_path, whole, write):
    query = write(tmp_path / "part.nii", WHOLE.slicer[:, :, 6:14])
    np.testing.assert_array_equal(read_mask(whole, _of(query, 3)), _shown(tmp_path, 9))


def test_pixels_beside_those_of_the_query_are_refused(tmp_path, whole):
    shifted = AFFINE.copy()
    shifted[0, 3] += 4
    mask = _nifti(tmp_path / "m.nii", nib.Nifti1Image(MARKS, shifted))
    with pytest.raises(PictureError, match=r"up to 4 mm beside .*; resample it .*m\.nii#5"):
        read_mask(mask, _of(whole, 5))


def test_slices_that_cross_are_refused(tmp_path, whole):
    turn = np.eye(4)
    turn[1:3, 1:3] = [[0.98, -0.199], [0.199, 0.98]]
    mask = _nifti(tmp_path / "m.nii", nib.Nifti1Image(MARKS, turn @ AFFINE))
    with pytest.raises(PictureError, match="its slices cross those of the query; resample it"):
        read_mask(mask, _of(whole, 5))


def test_one_mask_serves_each_volume_of_a_series(tmp_path, whole):
    series = _nifti(tmp_path / "s.nii", nib.Nifti1Image(np.repeat(MARKS[..., None], 3, 3), AFFINE))
    np.testing.assert_array_equal(read_mask(whole, _of(series, 25)), _shown(tmp_path, 5))
    other = _nifti(tmp_path / "o.nii", nib.Nifti1Image(np.repeat(MARKS[..., None], 2, 3), AFFINE))
    with pytest.raises(PictureError, match=r"holds 2 volumes, .* of the query 3; name .*o\.nii#5"):
        read_mask(other, _of(series, 25))


def test_headers_that_say_no_place_are_taken_by_number(tmp_path, whole):
    query, mask = (_nifti(tmp_path / f"{name}.nii", nib.Nifti1Image(MARKS, np.eye(4))) for name in "qm")
    named = read_mask(mask.with_name("m.nii#5"), _of(query, 5))
    np.testing.assert_array_equal(read_mask(mask, _of(query, 5)), named)
    part = _nifti(tmp_path / "p.nii", nib.Nifti1Image(MARKS[..., :8], np.eye(4)))
    with pytest.raises(PictureError, match="has 8 slices, and the volume of the query 20, and only one"):
        read_mask(part, _of(whole, 0))
