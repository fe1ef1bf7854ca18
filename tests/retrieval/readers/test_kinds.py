"""What a file is, and whether an index takes it."""

import gzip

import nibabel as nib
import numpy as np
import pytest
import tifffile
from support.dicom_files import texture, write_dicom

from retrieval.baselines import Thumbnail
from retrieval.errors import SettingError
from retrieval.index.search.query_options import QueryOptions
from retrieval.index.writer import IndexWriter
from retrieval.readers import NotAPictureError, PassedOverError, read_pictures
from retrieval.readers.kinds import Kind, also_named, kind_of_dicom

SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
SEG, DOSE = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.481.2"
RGB = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def _read(path, **kwargs):
    return list(read_pictures(path, path.name, **kwargs))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((SEG, "SEG", (), False), Kind.SEGMENTATION),
        ((DOSE, "RTDOSE", (), False), Kind.DOSE),
        (("1.2.840.10008.5.1.4.1.1.30", "OT", (), False), Kind.MAP),
        (("", "MR", ("ORIGINAL", "PRIMARY", "M", "MOSAIC"), False), Kind.MOSAIC),
        (("", "CT", ("ORIGINAL", "PRIMARY", "LOCALIZER"), False), Kind.LOCALIZER),
        (("", "CT", ("DERIVED", "SECONDARY", "SCREEN SAVE"), False), Kind.SCREEN_CAPTURE),
        (("", "CT", ("ORIGINAL", "PRIMARY", "AXIAL"), False), Kind.IMAGE),
        ((SLIDE, "SM", ("ORIGINAL", "PRIMARY", "VOLUME", "NONE"), True), Kind.IMAGE),
        ((SLIDE, "SM", ("DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"), False), Kind.LEVEL),
        ((SLIDE, "SM", ("DERIVED", "PRIMARY", "THUMBNAIL", "RESAMPLED"), False), Kind.LEVEL),
        ((SLIDE, "SM", ("ORIGINAL", "PRIMARY", "LABEL", "NONE"), False), Kind.LABEL),
        ((SLIDE, "SM", ("ORIGINAL", "PRIMARY", "OVERVIEW", "NONE"), True), Kind.LABEL),
        ((SLIDE, "SM", (), True), Kind.LABEL),
        (("1.2.840.10008.5.1.4.1.1.77.1.2", "GM", ("ORIGINAL", "PRIMARY", "LABEL"), True), Kind.LABEL),
        (("", "XC", ("ORIGINAL", "PRIMARY"), True), Kind.LABEL),
    ],
)
def test_the_header_of_dicom_says_what_it_is(values, kind):
    assert kind_of_dicom(*values) is kind


@pytest.mark.parametrize("flavour", ["LABEL", "OVERVIEW"])
def test_what_may_show_a_name_is_never_read(tmp_path, flavour):
    path = write_dicom(
        tmp_path / "x.dcm", RGB, sop=SLIDE, Modality="SM", ImageType=["ORIGINAL", "PRIMARY", flavour, "NONE"]
    )
    for also in (None, ("seg", "dose", "map", "level")):
        with pytest.raises(PassedOverError, match="may show a name"):
            _read(path, also=also)


def test_label_and_macro_of_an_ome_tiff_are_never_read(tmp_path):
    with tifffile.TiffWriter(tmp_path / "x.ome.tif") as file:
        for name, value in (("slide", 10), ("label image", 20), ("macro image", 30)):
            array = np.full((16, 16), value, np.uint8)
            file.write(array, metadata={"axes": "YX", "Name": name}, photometric="minisblack")
    assert [round(float(p.pixels.max() * 255)) for p in _read(tmp_path / "x.ome.tif")] == [10]


def test_a_nifti_file_of_labels_is_a_segmentation(tmp_path):
    image = nib.Nifti1Image(np.eye(4, dtype=np.uint8)[:, :, None], np.eye(4))
    image.header.set_intent("label")
    nib.save(image, tmp_path / "x.nii")
    assert len(_read(tmp_path / "x.nii")) == 1
    with pytest.raises(PassedOverError, match="--also seg"):
        _read(tmp_path / "x.nii", also=())


@pytest.mark.parametrize("line", ["Segment0_ID:=Segment_1", "Segmentation_ConversionParameters:=x"])
def test_an_nrrd_file_of_slicers_segments_is_a_segmentation(tmp_path, line):
    head = f"NRRD0004\ntype: uchar\ndimension: 2\nsizes: 4 4\nencoding: raw\n{line}\n\n"
    (tmp_path / "x.seg.nrrd").write_bytes(head.encode() + np.eye(4, dtype=np.uint8).tobytes())
    assert _read(tmp_path / "x.seg.nrrd")[0].metadata["kind"] == "segmentation"
    with pytest.raises(PassedOverError, match="--also seg"):
        _read(tmp_path / "x.seg.nrrd", also=())


def test_images_are_chosen_by_their_kind(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for n, flavour in enumerate(["AXIAL", "LOCALIZER", "SCREEN SAVE"]):
        values = {"ImageType": ["ORIGINAL", "PRIMARY", flavour], "uid": f"1.2.{n}"}
        write_dicom(folder / f"{n}.dcm", texture(n), **values)
    tifffile.imwrite(folder / "3.tif", texture(3))
    nib.save(nib.Nifti1Image(texture(4)[:, :, None], np.eye(4)), folder / "4.nii")
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([folder], jobs=1)
        kinds = {name: index.picture(name).metadata["kind"] for name in index.names}
        found = index.query("0.dcm", QueryOptions(where="kind = 'image'"))
    assert kinds == {
        "0.dcm": "image",
        "1.dcm": "localizer",
        "2.dcm": "screen capture",
        "3.tif": "image",
        "4.nii": "image",
    }
    assert {hit.id for hit in found} == {"0.dcm", "3.tif", "4.nii"}


def test_an_index_names_what_it_passes_over_and_takes_it_if_asked(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    write_dicom(folder / "ct.dcm", texture(top=4095), Modality="CT", uid="1.2.3")
    write_dicom(folder / "dose.dcm", texture(1, top=4095), sop=DOSE, Modality="RTDOSE", uid="1.2.4")
    write_dicom(folder / "seg.dcm", texture(2, top=1), sop=SEG, Modality="SEG", uid="1.2.5")
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        report = index.update([folder], jobs=1)
        assert list(index.names) == ["ct.dcm"]
        assert dict(report.skipped) == {
            "dose.dcm": "passed over: a dose, no image of a patient; index it with --also dose",
            "seg.dcm": "passed over: a segmentation, no image of a patient; index it with --also seg",
        }
        index.take_also(["rtdose"])
        assert index.update([folder], jobs=1).added == 1
        assert list(index.names) == ["ct.dcm", "dose.dcm"]
        index.take_also([])  # nothing is given back
        assert list(index.names) == ["ct.dcm", "dose.dcm"]


def test_an_unknown_kind_is_refused():
    with pytest.raises(SettingError, match="give one of seg, dose, map, level"):
        also_named(["lungs"])


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("x.czi", b"ZISRAWFILE" + bytes(50), "OME-TIFF"),
        ("x", b"ZISRAWFILE" + bytes(50), "OME-TIFF"),
        ("x.mgz", b"\x1f\x8b" + bytes(50), "mri_convert"),
        ("x.heic", b"\0\0\0\x18ftypheic" + bytes(50), "PNG"),
        ("x.jxl", b"\xff\x0a" + bytes(50), "PNG"),
        ("x.pgm", b"P5 2 2 255 abcd", "PNG"),
        ("x.dcm.gz", b"\x1f\x8b" + bytes(50), "unpack it"),
        ("X.NII.BZ2", b"BZh9" + bytes(50), "unpack it"),
        ("x.mp4", b"\0\0\0\x18ftypisom" + bytes(50), "frames"),
        ("x", b"P5\n2 2\n255\nabcd", "PNG"),
        ("x", gzip.compress(bytes(128) + b"DICM" + bytes(50), mtime=0), "unpack it"),
        ("x.dcm.zip", b"PK\x03\x04" + bytes(50), "unpack it"),
        ("x.ico", b"\0\0\1\0" + bytes(50), "PNG"),
    ],
)
def test_images_in_formats_that_are_not_read_are_named_with_a_remedy(tmp_path, name, content, remedy):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PassedOverError, match=f"is not read; .*{remedy}") as caught:
        _read(tmp_path / name)
    assert not isinstance(caught.value, NotAPictureError)
