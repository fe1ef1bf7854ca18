"""NIfTI of unusable orientation, pairs, NRRD and MetaImage: the same pixels in the same place."""

import gzip
import io
import struct
import zlib

import nibabel as nib
import numpy as np
import pytest
from support.dicom_files import write_dicom

from retrieval.errors import PictureError
from retrieval.readers import NotAPictureError, read_pictures
from retrieval.readers.limits import Limits
from retrieval.readers.unpacking import Inflated
from retrieval.readers.window import Window

RNG = np.random.default_rng(0)
VOLUME = RNG.integers(0, 1000, (10, 9, 6)).astype(np.int16)
CORONAL = np.array([[-1.0, 0, 0, 0], [0, 0, 4, 0], [0, 1, 0, 0], [0, 0, 0, 1]])


def _read(path, **kwargs):
    return list(read_pictures(path, path.name, **kwargs))


def _same(found, expected):
    assert [p.metadata["plane"] for p in found] == [p.metadata["plane"] for p in expected]
    assert [p.metadata["position"] for p in found] == [p.metadata["position"] for p in expected]
    np.testing.assert_array_equal([p.pixels for p in found], [p.pixels for p in expected])


def _with_qform(path, affine):
    image = nib.Nifti1Image(VOLUME, None)
    image.set_qform(affine, 1)
    nib.save(image, path)
    return path


@pytest.mark.parametrize("rows", [np.zeros((3, 4)), np.full((3, 4), np.nan), np.ones((3, 4))])
def test_an_sform_that_cannot_be_used_leaves_it_to_the_qform(tmp_path, rows):
    expected = _read(_with_qform(tmp_path / "q.nii", CORONAL))
    assert expected[0].metadata["plane"] == "coronal"
    data = bytearray((tmp_path / "q.nii").read_bytes())
    data[254:256] = struct.pack("<h", 1)
    data[280:328] = rows.astype("<f4").tobytes()
    (tmp_path / "s.nii").write_bytes(data)
    _same(_read(tmp_path / "s.nii"), expected)


def test_a_quaternion_that_was_rounded_is_read(tmp_path):
    turned = np.diag([1, -1, -1, 1])
    expected = _read(_with_qform(tmp_path / "q.nii", turned))
    data = bytearray((tmp_path / "q.nii").read_bytes())
    data[256:268] = struct.pack("<3f", 1.0000005, 0, 0)
    (tmp_path / "r.nii").write_bytes(data)
    _same(_read(tmp_path / "r.nii"), expected)


@pytest.mark.parametrize("code", ["RAS", "LPS", "PIR", "SLA"])
def test_a_qform_turns_as_nibabel_has_it(tmp_path, code):
    ornt = nib.orientations.axcodes2ornt(code)
    affine = np.linalg.inv(nib.orientations.inv_ornt_aff(ornt, (5, 5, 5)))
    affine[:3, 3] = 0
    expected = nib.Nifti1Image(VOLUME, affine)
    nib.save(expected, tmp_path / "s.nii")
    _same(_read(_with_qform(tmp_path / "q.nii", affine)), _read(tmp_path / "s.nii"))


@pytest.mark.parametrize("shape", [(1, 40, 50), (40, 50, 1), (40, 1, 50), (40, 50)])
@pytest.mark.parametrize("zooms", [(1, 1, 1), (0.5, 0.3, 0.3), (1.5, 1.2, 1)])
def test_an_axis_of_length_1_is_the_one_across(tmp_path, shape, zooms):
    array = RNG.integers(0, 100, shape).astype(np.int16)
    nib.save(nib.Nifti1Image(array, np.diag([*zooms, 1])), tmp_path / "x.nii")
    (picture,) = _read(tmp_path / "x.nii")
    assert sorted(picture.shape) == [40, 50]


@pytest.mark.parametrize(("kind", "suffix"), [(nib.Nifti1Pair, ""), (nib.Nifti1Pair, ".gz")])
def test_a_pair_is_read_once(tmp_path, kind, suffix):
    nib.save(nib.Nifti1Image(VOLUME, np.diag([1, 1, 3, 1])), tmp_path / "x.nii")
    expected = _read(tmp_path / "x.nii")
    nib.save(kind(VOLUME, np.diag([1, 1, 3, 1])), tmp_path / f"p.img{suffix}")
    _same(_read(tmp_path / f"p.img{suffix}"), expected)
    with pytest.raises(NotAPictureError, match=r"header of p\.img"):
        _read(tmp_path / f"p.hdr{suffix}")
    (tmp_path / f"p.img{suffix}").unlink()
    with pytest.raises(PictureError, match="pixels are missing"):
        _read(tmp_path / f"p.hdr{suffix}")


def test_analyze_is_read(tmp_path):
    nib.save(nib.AnalyzeImage(VOLUME, np.diag([-1, 1, 3, 1])), tmp_path / "a.img")
    nib.save(nib.Nifti1Image(VOLUME, np.diag([-1, 1, 3, 1])), tmp_path / "x.nii")
    _same(_read(tmp_path / "a.img"), _read(tmp_path / "x.nii"))


def test_a_display_range_that_is_no_normal_number_leaves_finite_pixels(tmp_path):
    image = nib.Nifti2Image(VOLUME.astype(np.uint8), np.eye(4))
    image.header["cal_max"] = 1e-310
    nib.save(image, tmp_path / "x.nii")
    pictures = _read(tmp_path / "x.nii")
    assert pictures and all(np.isfinite(p.pixels).all() for p in pictures)


def test_a_sagittal_volume_is_cut_as_its_dicom_series_is(tmp_path):
    # Columns to the back, rows to the feet, slices to the patient's left, all 1 mm: isotropic.
    expected = []
    for n in range(6):
        values = {"ImagePositionPatient": [n, 0, 0], "ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}
        path = write_dicom(tmp_path / f"{n}.dcm", VOLUME[:, :, n].T.copy(), Modality="MR", **values)
        expected += _read(path, window=Window("", 500, 1000))
    to_ras = np.array([[0.0, 0, -1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(VOLUME, to_ras), tmp_path / "v.nii")
    found = _read(tmp_path / "v.nii", window=Window("", 500, 1000))
    assert {p.metadata["plane"] for p in found} == {"sagittal"}
    # From left to right, the last slice of the series first.
    np.testing.assert_allclose([p.pixels for p in found], [p.pixels for p in expected][::-1], atol=1e-3)


def _metaimage(path, array, data="LOCAL", **fields):
    header = {
        "ObjectType": "Image", "NDims": "3", "DimSize": " ".join(map(str, array.shape)),
        "ElementSpacing": "1 1 3", "TransformMatrix": "1 0 0 0 1 0 0 0 1", "ElementType": "MET_SHORT",
        **fields, "ElementDataFile": data,
    }  # fmt: skip
    path.write_bytes("".join(f"{k} = {v}\n" for k, v in header.items()).encode())
    return path


def _nrrd(path, array, data="", **fields):
    header = {
        "type": "short", "dimension": "3", "space": "left-posterior-superior",
        "sizes": " ".join(map(str, array.shape)), "space directions": "(1,0,0) (0,1,0) (0,0,3)",
        "kinds": "domain domain domain", "endian": "little", "encoding": "raw", **fields,
    }  # fmt: skip
    if data:
        header["data file"] = data
    text = "NRRD0004\n# a comment\n" + "".join(f"{k}: {v}\n" for k, v in header.items()) + "key:=value\n\n"
    path.write_bytes(text.encode())
    return path


def _append(path, data):
    path.write_bytes(path.read_bytes() + data)
    return path


@pytest.fixture
def expected(tmp_path):
    nib.save(nib.Nifti1Image(VOLUME, np.diag([-1, -1, 3, 1])), tmp_path / "x.nii")
    return _read(tmp_path / "x.nii")


RAW = VOLUME.tobytes(order="F")


def test_metaimage_is_read_as_nifti_is(tmp_path, expected):
    _same(_read(_append(_metaimage(tmp_path / "a.mha", VOLUME), RAW)), expected)
    packed = _metaimage(tmp_path / "b.mha", VOLUME, CompressedData="True")
    _same(_read(_append(packed, zlib.compress(RAW))), expected)
    (tmp_path / "c.raw").write_bytes(b"head" + VOLUME.astype(">i2").tobytes(order="F"))
    swapped = _metaimage(tmp_path / "c.mhd", VOLUME, "c.raw", ElementByteOrderMSB="True", HeaderSize="4")
    _same(_read(swapped), expected)


@pytest.mark.parametrize(("name", "kind"), [("MET_LONG", "<i4"), ("MET_ULONG", "<u4")])
def test_a_long_of_metaimage_has_4_bytes(tmp_path, expected, name, kind):
    data = (VOLUME.astype(np.int64) - VOLUME.min()).astype(kind)
    _same(
        _read(_append(_metaimage(tmp_path / "a.mha", VOLUME, ElementType=name), data.tobytes(order="F"))),
        expected,
    )


def test_a_metaimage_of_text_is_read(tmp_path):
    values = RNG.integers(0, 1000, (4, 5)).astype("<i2")
    head = "NDims = 2\nDimSize = 5 4\nBinaryData = {}\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    (tmp_path / "b.mha").write_bytes(head.format("True").encode() + values.tobytes())
    # Text is longer than the values it spells: taken for these it would be noise.
    (tmp_path / "t.mha").write_text(head.format("False") + " ".join(map(str, values.ravel())))
    _same(_read(tmp_path / "t.mha"), _read(tmp_path / "b.mha"))


def test_nrrd_is_read_as_nifti_is(tmp_path, expected):
    _same(_read(_append(_nrrd(tmp_path / "a.nrrd", VOLUME), RAW)), expected)
    packed = _nrrd(tmp_path / "b.nrrd", VOLUME, encoding="gzip")
    _same(_read(_append(packed, gzip.compress(RAW))), expected)
    numbers = " ".join(map(str, VOLUME.ravel(order="F"))).encode()
    _same(_read(_append(_nrrd(tmp_path / "c.nrrd", VOLUME, encoding="ascii"), numbers)), expected)
    (tmp_path / "d.raw").write_bytes(b"line\n1234" + VOLUME.astype(">i2").tobytes(order="F"))
    detached = {"endian": "big", "line skip": "1", "byte skip": "4"}
    _same(_read(_nrrd(tmp_path / "d.nhdr", VOLUME, "d.raw", **detached)), expected)
    ras = {"space": "RAS", "space directions": "(-1,0,0) (0,-1,0) (0,0,3)"}
    _same(_read(_append(_nrrd(tmp_path / "e.nrrd", VOLUME, **ras), RAW)), expected)


def test_an_nrrd_without_a_space_is_shown_as_it_is_stored(tmp_path):
    path = tmp_path / "x.nrrd"
    grey = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
    path.write_bytes(b"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 7 5\nencoding: raw\n\n" + grey.tobytes())
    (picture,) = _read(path, window=Window("", 127.5, 255))
    np.testing.assert_allclose(picture.pixels, grey / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("x.nrrd", "NRRD0004\ntype: uchar\ndimension: 2\nsizes: 4 4\n{}\nencoding: raw\n\n"),
        ("x.mha", "NDims = 2\nDimSize = 4 4\n{}\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"),
    ],
)
def test_places_that_cannot_be_read_cost_no_pixels(tmp_path, name, head):
    values = np.arange(0, 256, 16, dtype=np.uint8)
    broken = {
        "x.nrrd": ["spacings: a b", "space: left-posterior-superior\nspace directions: (1,0) (x,1)"],
        "x.mha": ["ElementSpacing = 1,0 1,0", "TransformMatrix = a b c d", "HeaderSize = x"],
    }
    harmless = {"x.nrrd": "content: x", "x.mha": "Comment = x"}[name]
    (tmp_path / name).write_bytes(head.format(harmless).encode() + values.tobytes())
    expected = _read(tmp_path / name)[0].pixels
    for line in broken[name]:
        (tmp_path / name).write_bytes(head.format(line).encode() + values.tobytes())
        np.testing.assert_array_equal(_read(tmp_path / name)[0].pixels, expected)


@pytest.mark.parametrize("name", ["../secret.raw", "gone.raw"])
def test_values_outside_the_folder_of_their_header_are_not_read(tmp_path, name):
    (tmp_path / "secret.raw").write_bytes(RAW)
    (tmp_path / "in").mkdir()
    for path in (
        _metaimage(tmp_path / "in/a.mhd", VOLUME, name),
        _nrrd(tmp_path / "in/a.nhdr", VOLUME, name),
    ):
        with pytest.raises(PictureError, match="values are missing"):
            _read(path)


def test_values_that_are_too_few_or_too_many_are_refused(tmp_path):
    with pytest.raises(PictureError, match="truncated"):
        _read(_append(_nrrd(tmp_path / "a.nrrd", VOLUME), RAW[:-1]))
    bomb = _nrrd(tmp_path / "b.nrrd", np.zeros((9, 9, 90)), encoding="gzip")
    with pytest.raises(PictureError, match="too large"):
        _read(_append(bomb, gzip.compress(bytes(5_000_000))), limits=Limits(max_pixels=81))


def test_what_follows_the_values_is_not_unpacked(tmp_path):
    packed = _nrrd(tmp_path / "b.nrrd", np.zeros((9, 9, 9)), encoding="gzip")
    # Were it unpacked, the damaged member at the end would be an error.
    damaged = gzip.compress(b"")[:10] + b"\xff" * 9
    pictures = _read(_append(packed, gzip.compress(bytes(9**3 * 8 + (1 << 20))) + damaged))
    assert len(pictures) == 9


def test_what_follows_packed_values_and_is_not_packed_is_passed_over(tmp_path, expected):
    for tail in (b"junk", bytes(9), b"\x1f"):
        packed = (tmp_path / "x.nii").read_bytes()
        halves = gzip.compress(packed[:400]) + gzip.compress(packed[400:])
        (tmp_path / "y.nii.gz").write_bytes(halves + tail)
        _same(_read(tmp_path / "y.nii.gz"), expected)
        _same(
            _read(_append(_nrrd(tmp_path / "y.nrrd", VOLUME, encoding="gzip"), gzip.compress(RAW) + tail)),
            expected,
        )
    (tmp_path / "y.nii.gz").write_bytes(gzip.compress(packed)[:-200])
    with pytest.raises(PictureError, match="the file is truncated: "):
        _read(tmp_path / "y.nii.gz")


def test_bytes_before_packed_values_are_counted_unpacked(tmp_path, expected):
    (tmp_path / "a.gz").write_bytes(b"a line\n" + gzip.compress(b"1234" + RAW))
    detached = {"encoding": "gzip", "line skip": "1"}
    _same(_read(_nrrd(tmp_path / "a.nhdr", VOLUME, "a.gz", **detached, **{"byte skip": "4"})), expected)
    _same(_read(_nrrd(tmp_path / "a.nhdr", VOLUME, "a.gz", **detached, **{"byte skip": "-1"})), expected)


def test_bytes_before_values_that_are_texts_are_passed_over(tmp_path, expected):
    path = _nrrd(tmp_path / "a.nrrd", VOLUME, encoding="ascii", **{"byte skip": "3"})
    numbers = " ".join(map(str, VOLUME.ravel(order="F").tolist())).encode()
    _same(_read(_append(path, b"999" + numbers)), expected)


def test_of_many_small_members_no_more_is_read_than_is_used():
    members = b"".join(gzip.compress(bytes([n % 256]) * 9) for n in range(9000))
    file = io.BytesIO(members)
    packed = Inflated(file)
    assert [packed.read(99) for _ in range(30)] == [bytes([n]) * 9 for n in range(30)]
    assert file.tell() == 1 << 16
    rest = b"".join(iter(lambda: packed.read(99), b""))
    assert rest == b"".join(bytes([n % 256]) * 9 for n in range(30, 9000))


def test_metaimage_may_be_packed_by_gzip(tmp_path, expected):
    packed = _metaimage(tmp_path / "b.mha", VOLUME, CompressedData="True")
    _same(_read(_append(packed, gzip.compress(RAW))), expected)


@pytest.mark.parametrize("space", ["right-anterior-superior-time", "RAST", "left-posterior-superior-time"])
@pytest.mark.parametrize("time", [0, 3])
def test_time_may_be_an_axis_of_the_space(tmp_path, space, time):
    series = np.stack([VOLUME, VOLUME[::-1]], axis=-1)
    sign = -1 if space.lower().startswith("r") else 1
    axes = [f"({sign},0,0,0)", f"(0,{sign},0,0)", "(0,0,3,0)"]
    axes.insert(time, "(0,0,0,1)")
    about = {"dimension": "4", "space": space, "space directions": " ".join(axes), "kinds": "space " * 4}
    stored = np.moveaxis(series, -1, time)
    nib.save(nib.Nifti1Image(series, np.diag([-1, -1, 3, 1])), tmp_path / "x.nii")
    path = _append(_nrrd(tmp_path / "x.nrrd", stored, **about), stored.tobytes(order="F"))
    _same(_read(path), _read(tmp_path / "x.nii"))


def test_a_length_of_0_behind_the_third_axis_is_1(tmp_path, expected):
    data = bytearray((tmp_path / "x.nii").read_bytes())
    struct.pack_into("<8h", data, 40, 4, *VOLUME.shape, 0, 0, 0, 0)
    (tmp_path / "y.nii").write_bytes(data)
    _same(_read(tmp_path / "y.nii"), expected)
