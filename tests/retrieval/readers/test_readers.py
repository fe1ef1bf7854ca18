import io
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image

from retrieval.errors import PictureError
from retrieval.readers import NotAPictureError, read_pictures, recognise
from retrieval.readers.limits import Limits

DICOM = Path(pydicom.__file__).parent / "data/test_files"
RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (24, 24, 3), dtype=np.uint8)


def _pillow(kind, array=NOISE, **kwargs):
    data = io.BytesIO()
    Image.fromarray(array).save(data, format=kind, **kwargs)
    return data.getvalue()


def _tiff(array, **kwargs):
    data = io.BytesIO()
    tifffile.imwrite(data, array, **kwargs)
    return data.getvalue()


def _nifti(suffix, tmp_path):
    path = tmp_path / f"seed{suffix}"
    nib.save(nib.Nifti1Image(RNG.normal(size=(8, 9, 10)).astype(np.float32), np.eye(4)), path)
    return path.read_bytes()


def _seeds(tmp_path):
    """A small file of every kind: name, bytes."""
    yield "rgb.png", _pillow("PNG")
    yield "deep.png", _pillow("PNG", NOISE[..., 0].astype(np.uint16) * 200)
    yield "x.jpg", _pillow("JPEG")
    yield "x.bmp", _pillow("BMP")
    yield "x.webp", _pillow("WEBP", lossless=True)
    yield "x.gif", _pillow("GIF", NOISE[..., 0])
    yield "plain.tif", _tiff(NOISE, photometric="rgb")
    yield "lzw.tif", _tiff(np.stack([NOISE[..., 0]] * 3), compression="lzw", photometric="minisblack")
    yield "jpeg.tif", _tiff(NOISE, compression="jpeg", photometric="ycbcr")
    yield "x.nii", _nifti(".nii", tmp_path)
    yield "x.nii.gz", _nifti(".nii.gz", tmp_path)
    for name in DICOM_SEEDS:
        yield name, (DICOM / name).read_bytes()


DICOM_SEEDS = [
    "MR_small_implicit.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "SC_rgb_rle_2frame.dcm",
    "image_dfl.dcm",
]
SEEDS = [
    "rgb.png",
    "deep.png",
    "x.jpg",
    "x.bmp",
    "x.webp",
    "x.gif",
    "plain.tif",
    "lzw.tif",
    "jpeg.tif",
    "x.nii",
    "x.nii.gz",
    *DICOM_SEEDS,
]


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    return dict(_seeds(tmp_path_factory.mktemp("seeds")))


def _survives(path):
    """Read a damaged file; whatever comes out must be a picture, or one line about it."""
    try:
        for picture in read_pictures(path, "x", limits=Limits(max_pixels=300_000)):
            assert np.isfinite(picture.pixels).all()
            assert picture.pixels.min() >= 0
            assert picture.pixels.max() <= 1
    except PictureError as error:
        assert str(error).startswith("x")
        assert "\n" not in str(error)
        assert str(path.parent) not in str(error)


@pytest.mark.parametrize("name", SEEDS)
def test_whole_seeds_are_read(name, seeds, tmp_path):
    (tmp_path / name).write_bytes(seeds[name])
    ids = [picture.id for picture in read_pictures(tmp_path / name, name)]
    assert ids and all(id.startswith(name) for id in ids)


@pytest.mark.parametrize("name", SEEDS)
def test_a_file_cut_anywhere_gives_nothing_but_a_picture_error(name, seeds, tmp_path, capfd):
    data = seeds[name]
    for length in np.unique(np.geomspace(1, len(data), 25).astype(int) - 1):
        (tmp_path / name).write_bytes(data[:length])
        _survives(tmp_path / name)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", SEEDS)
def test_flipped_bytes_give_nothing_but_a_picture_error(name, seeds, tmp_path, capfd):
    rng = np.random.default_rng(len(name))
    for round in range(40):
        data = np.frombuffer(seeds[name], dtype=np.uint8).copy()
        # Half of the rounds aim at the head, where sizes and offsets stand.
        reach = len(data) if round % 2 else min(len(data), 1600 if name.endswith("dcm") else 400)
        places = rng.integers(0, reach, rng.integers(1, 8))
        data[places] = rng.integers(0, 256, len(places))
        (tmp_path / name).write_bytes(data.tobytes())
        _survives(tmp_path / name)
    assert capfd.readouterr().err == ""


def test_noise_is_no_picture(tmp_path):
    for size in (1, 10, 131, 132, 348, 5000):
        (tmp_path / "noise").write_bytes(RNG.integers(0, 256, size, dtype=np.uint8).tobytes())
        with pytest.raises(NotAPictureError, match="no image"):
            list(read_pictures(tmp_path / "noise", "noise"))


@pytest.mark.parametrize("name", ["a.png", "b.JPG", "c.dcm", "d.nii.gz", "e.tiff"])
def test_what_claims_to_be_a_picture_and_is_none_is_an_error(tmp_path, name):
    for content, reason in ((b"", "empty"), (b"hello, world", "not that of a")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(PictureError, match=reason) as caught:
            list(read_pictures(tmp_path / name, name))
        assert not isinstance(caught.value, NotAPictureError)


@pytest.mark.parametrize("name", ["labels.csv", "README", "words.npy", "empty"])
def test_what_claims_nothing_is_no_picture(tmp_path, name):
    (tmp_path / name).write_bytes(b"" if name == "empty" else b"path,label\na.png,cat\n")
    with pytest.raises(NotAPictureError, match=f"{name}: no image"):
        list(read_pictures(tmp_path / name, name))


def test_a_missing_file_and_a_folder_are_errors(tmp_path):
    with pytest.raises(PictureError, match="gone: No such file"):
        list(read_pictures(tmp_path / "gone", "gone"))
    with pytest.raises(PictureError, match="here: Is a directory"):
        list(read_pictures(tmp_path, "here"))


def test_kinds_are_told_by_content_alone(seeds, tmp_path):
    kinds = {"png": "png", "jpg": "jpeg", "tif": "tiff", "gz": "nifti", "nii": "nifti", "dcm": "dicom"}
    for name, data in seeds.items():
        (tmp_path / "file").write_bytes(data)
        suffix = name.rsplit(".")[-1]
        assert recognise(tmp_path / "file") == kinds.get(suffix, suffix)


def test_dicom_without_a_preamble_is_recognised():
    for name in ("ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm", "rtstruct.dcm", "UN_sequence.dcm"):
        assert recognise(DICOM / name) == "dicom"


def test_a_tiff_head_in_the_preamble_does_not_hide_dicom():
    data = (DICOM / "MR_small.dcm").read_bytes()
    assert data[:4] == b"II*\0"
    assert recognise(DICOM / "MR_small.dcm") == "dicom"


def test_an_error_of_the_caller_is_not_taken_for_one_of_the_file(seeds, tmp_path):
    (tmp_path / "x.png").write_bytes(seeds["rgb.png"])
    with pytest.raises(ZeroDivisionError):
        for _ in read_pictures(tmp_path / "x.png", "x"):
            raise ZeroDivisionError


def test_importing_the_readers_loads_no_decoder():
    code = (
        "import sys, retrieval.readers, retrieval.readers.folder;"
        "print(sorted({'pydicom', 'nibabel', 'tifffile', 'PIL', 'imagecodecs'} & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"
