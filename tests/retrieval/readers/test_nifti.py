import gzip
import struct

import nibabel as nib
import numpy as np
import pytest

from retrieval.errors import PictureError
from retrieval.readers import read_pictures, recognise
from retrieval.readers.limits import Limits
from retrieval.readers.window import Window

RNG = np.random.default_rng(0)


def _save(path, array, affine=None, **header):
    image = nib.Nifti1Image(array, np.eye(4) if affine is None else affine)
    for name, value in header.items():
        image.header[name] = value
    nib.save(image, path)
    return path


def _read(path, **kwargs):
    return list(read_pictures(path, path.name, **kwargs))


def _marked(axcodes):
    """Values say how far right, anterior and superior a voxel lies; they are stored along ``axcodes``."""
    right, front, up = np.meshgrid(np.arange(4), np.arange(5), np.arange(6), indexing="ij")
    canonical = (100 * right + 10 * front + up).astype(np.int16)
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    image = nib.Nifti1Image(canonical, affine)
    target = nib.orientations.axcodes2ornt(axcodes)
    return image.as_reoriented(nib.orientations.ornt_transform(nib.io_orientation(affine), target))


@pytest.mark.parametrize("axcodes", ["RAS", "LPS", "PIR", "SLA", "ASL", "IPR"])
def test_axial_slices_look_the_same_however_they_are_stored(tmp_path, axcodes):
    path = tmp_path / "v.nii"
    nib.save(_marked(axcodes), path)
    pictures = _read(path, window=Window("", 250, 500))
    assert [p.id for p in pictures] == [f"v.nii#{i}" for i in range(6)]
    picture = pictures[2]  # third from the feet: values end in 2
    assert picture.shape == (5, 4)
    assert picture.spacing == (1, 1)
    corners = picture.pixels[[0, 0, -1, -1], [0, -1, 0, -1]] * 500
    # Anterior at the top, the patient's right on the left.
    np.testing.assert_allclose(corners, [342, 42, 302, 2], atol=1e-3)
    assert picture.metadata["plane"] == "axial"
    assert picture.metadata["position"] == 6.0


def test_the_slices_stand_across_the_largest_spacing(tmp_path):
    volume = np.zeros((4, 5, 6), np.int16)
    for axis, (plane, shape, spacing) in enumerate(
        [("sagittal", (6, 5), (1, 1)), ("coronal", (6, 4), (1, 1)), ("axial", (5, 4), (1, 1))]
    ):
        zooms = [1.0] * 3
        zooms[axis] = 4.0
        pictures = _read(_save(tmp_path / "v.nii", volume, np.diag([*zooms, 1])))
        assert len(pictures) == volume.shape[axis]
        assert {(p.metadata["plane"], p.shape, p.spacing) for p in pictures} == {(plane, shape, spacing)}


def test_sagittal_and_coronal_slices_stand_upright(tmp_path):
    right, front, up = np.meshgrid(np.arange(4), np.arange(5), np.arange(6), indexing="ij")
    volume = (100 * right + 10 * front + up).astype(np.int16)
    window = Window("", 250, 500)
    sagittal = _read(_save(tmp_path / "s.nii", volume, np.diag([4.0, 1, 1, 1])), window=window)[1]
    coronal = _read(_save(tmp_path / "c.nii", volume, np.diag([1.0, 4, 1, 1])), window=window)[1]
    # Superior at the top; anterior, or the patient's right, on the left.
    np.testing.assert_allclose(sagittal.pixels[[0, 0, -1], [0, -1, 0]] * 500, [145, 105, 140], atol=1e-3)
    np.testing.assert_allclose(coronal.pixels[[0, 0, -1], [0, -1, 0]] * 500, [315, 15, 310], atol=1e-3)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64, np.uint32])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_every_kind_of_number_is_read(tmp_path, kind, suffix):
    volume = (np.arange(27 * 8).reshape(9, 3, 8) % 200).astype(kind)
    pictures = _read(_save(tmp_path / f"v{suffix}", volume))
    got = np.stack([p.pixels[::-1, ::-1].T for p in pictures], axis=2)
    np.testing.assert_allclose(got, volume / 199, atol=1e-6)


def test_slope_and_intercept_are_applied_before_the_window(tmp_path):
    volume = np.array([[[0, 100], [0, 100]], [[50, 200], [50, 200]]], dtype=np.int16)
    image = nib.Nifti1Image(volume, np.eye(4))
    image.header.set_slope_inter(2, -1000)
    nib.save(image, tmp_path / "v.nii")
    first, second = _read(tmp_path / "v.nii", window=Window("full"))
    stored = nib.load(tmp_path / "v.nii").get_fdata()
    low, high = stored.min(), stored.max()
    np.testing.assert_allclose(first.pixels[0, ::-1], (stored[:, 0, 0] - low) / (high - low), atol=1e-6)
    np.testing.assert_allclose(second.pixels[0, ::-1], (stored[:, 0, 1] - low) / (high - low), atol=1e-6)


def test_one_window_serves_all_slices(tmp_path):
    volume = np.zeros((8, 8, 40), np.int16)
    volume[...] = np.arange(40) * 10
    means = [float(p.pixels.mean()) for p in _read(_save(tmp_path / "v.nii", volume))]
    np.testing.assert_allclose(means, np.arange(40) / 39, atol=1e-6)


def test_a_chosen_slice_looks_as_among_all(tmp_path):
    path = _save(tmp_path / "v.nii", RNG.normal(size=(9, 8, 30)))
    everything = _read(path)
    (one,) = _read(path, frames=[17])
    assert one.id == "v.nii#17"
    np.testing.assert_array_equal(one.pixels, everything[17].pixels)


def test_4d_files_give_the_slices_of_every_volume(tmp_path):
    volumes = np.zeros((4, 4, 3, 5), np.int16)
    volumes[...] = np.arange(3)[:, None] + 10 * np.arange(5)
    pictures = _read(_save(tmp_path / "v.nii.gz", volumes), window=Window("full"))
    values = [round(float(p.pixels[0, 0]) * 42) for p in pictures]
    assert values == [z + 10 * t for t in range(5) for z in range(3)]


def test_a_single_slice_is_one_picture(tmp_path):
    (picture,) = _read(_save(tmp_path / "flat.nii", RNG.normal(size=(7, 6))))
    assert (picture.id, picture.shape) == ("flat.nii", (6, 7))


def test_the_display_range_of_the_header_is_the_window(tmp_path):
    volume = np.tile(np.array([0, 50, 100, 1000], np.int16), (4, 4, 1))
    shown = [float(p.pixels[0, 0]) for p in _read(_save(tmp_path / "v.nii", volume, cal_min=0, cal_max=100))]
    assert shown == [0, 0.5, 1, 1]
    useless = [
        float(p.pixels[0, 0]) for p in _read(_save(tmp_path / "u.nii", volume, cal_min=5000, cal_max=9000))
    ]
    assert useless[1] > 0


def test_presets_apply_where_the_values_are_hounsfield_units(tmp_path):
    volume = np.tile(np.array([-1000, 0, 40, 80], np.int16), (4, 4, 1))
    shown = [float(p.pixels[0, 0]) for p in _read(_save(tmp_path / "v.nii", volume), window=Window("brain"))]
    assert shown == [0, 0, 0.5, 1]


def test_colours_are_colours(tmp_path):
    volume = np.zeros((3, 4, 2), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    volume["R"], volume["B"] = 255, 51
    pictures = _read(_save(tmp_path / "rgb.nii", volume))
    np.testing.assert_allclose(pictures[0].pixels[0, 0], [1, 0, 0.2], atol=1e-6)
    # A slope makes no sense of colours, and must not cost them.
    data = bytearray((tmp_path / "rgb.nii").read_bytes())
    data[112:120] = struct.pack("<2f", 2, 1)
    (tmp_path / "sloped.nii").write_bytes(data)
    np.testing.assert_array_equal(_read(tmp_path / "sloped.nii")[0].pixels, pictures[0].pixels)


def test_nan_and_complex_values_are_shown(tmp_path):
    volume = RNG.normal(size=(4, 4, 3)).astype(np.float32)
    volume[0, 0, 0] = np.nan
    volume[:, :, 2] = np.nan
    assert all(np.isfinite(p.pixels).all() for p in _read(_save(tmp_path / "n.nii", volume)))
    waves = (volume[..., :2] + 1j).astype(np.complex64)
    assert all(np.isfinite(p.pixels).all() for p in _read(_save(tmp_path / "c.nii", waves)))


def test_content_decides_and_not_the_name(tmp_path):
    _save(tmp_path / "v.nii.gz", np.ones((3, 3, 3), np.uint8))
    (tmp_path / "plain").write_bytes((tmp_path / "v.nii.gz").read_bytes())
    (tmp_path / "unpacked.nii.gz").write_bytes(gzip.decompress((tmp_path / "plain").read_bytes()))
    nib.save(nib.Nifti2Image(np.ones((3, 3, 3), np.uint8), np.eye(4)), tmp_path / "two.nii")
    for name in ("plain", "unpacked.nii.gz", "two.nii"):
        assert recognise(tmp_path / name) == "nifti"
        assert len(_read(tmp_path / name)) == 3


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_truncated_file_is_an_error(tmp_path, suffix):
    path = _save(tmp_path / f"t{suffix}", RNG.normal(size=(20, 20, 20)))
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(PictureError, match=path.name):
        _read(path)


def test_a_header_that_promises_too_much_is_an_error(tmp_path):
    path = _save(tmp_path / "v.nii", np.zeros((4, 4, 4), np.int16))
    data = bytearray(path.read_bytes())
    data[42:48] = np.array([32000, 32000, 32000], "<i2").tobytes()
    path.write_bytes(data)
    with pytest.raises(PictureError, match="truncated"):
        _read(path)


def test_a_compressed_bomb_is_not_unpacked(tmp_path):
    path = _save(tmp_path / "v.nii.gz", np.zeros((100, 100, 100), np.int16))
    with pytest.raises(PictureError, match="too large"):
        _read(path, limits=Limits(max_pixels=10_001))


def test_large_slices_are_refused(tmp_path):
    path = _save(tmp_path / "v.nii", np.zeros((100, 100, 2), np.int16))
    with pytest.raises(PictureError, match="max_pixels"):
        _read(path, limits=Limits(max_pixels=9_999))


def test_a_broken_affine_is_taken_for_the_plain_one(tmp_path):
    path = _save(tmp_path / "v.nii", np.zeros((3, 4, 5), np.int16))
    data = bytearray(path.read_bytes())
    data[280:328] = np.full(12, np.nan, "<f4").tobytes()
    path.write_bytes(data)
    assert {p.shape for p in _read(path)} == {(4, 3)}
