"""Results in a real archive: valid objects, read back equal, and nothing of other patients."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from support.archive_files import PATIENT, uid, write_study
from support.slides import write_dicom_slide

from cli.main import main
from cli.output import to_archive
from pacs.results import MAY_BE_EMPTY, make_objects
from pacs.search import Search
from pacs.store import store_objects
from retrieval.answers.enrichment import Finding, Findings
from retrieval.errors import ArchiveError, PictureError
from retrieval.index import Index
from retrieval.readers.archive import Address
from retrieval.readers.dicom.regions import regions_of, target_of
from retrieval.region import Region
from viewer.archiving import Stored

pytestmark = [pytest.mark.usefixtures("quick"), pytest.mark.filterwarnings("ignore")]
BOX = Region.box(4, 6, 10, 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    for study in (1, 2):
        write_study(folder, study, n=3)
    return folder


@pytest.fixture(scope="module")
def index(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("index") / "i"
    assert run("index", folder, "-o", place, "--by", "dense", "--words", 16, "--jobs", 1, "--quiet") == 0
    return place


@pytest.fixture(scope="module")
def stored(orthanc, folder, index):
    """Ask with a region, and return what is in the archive then, by SOP class."""
    query = folder / "1-1" / "1.dcm"
    words = [
        "query",
        index,
        query,
        "--region",
        "6,4,12,10",
        "--to",
        orthanc.dicomweb,
        "--to-sheet",
        "--quiet",
    ]
    assert run(*words, "-k", 4) == 0
    found = [pydicom.dcmread(io.BytesIO(content_of(orthanc, id))) for id in orthanc.rest("instances")]
    return {one.SOPClassUID.name: one for one in found}


def content_of(orthanc, id):
    import requests
    from support.orthanc import PASSWORD, USER

    url = f"http://{orthanc.host}:8042/instances/{id}/file"
    return requests.get(url, auth=(USER, PASSWORD), timeout=60).content


def run(*words):
    return main([str(word) for word in words])


def text_of(dataset):
    """Return all values of an object."""
    return "\n".join(str(element.value) for element in dataset.iterall() if element.VR not in ("SQ", "OW"))


def errors(dataset, tmp_path):
    """Return the errors that dciodvfy finds in an object."""
    dataset.save_as(tmp_path / "o.dcm", enforce_file_format=True)
    done = subprocess.run(["dciodvfy", str(tmp_path / "o.dcm")], capture_output=True, text=True, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]


def test_a_search_is_stored_as_a_report_a_segmentation_and_a_sheet(stored):
    assert set(stored) == {
        "Comprehensive 3D SR Storage", "Segmentation Storage", "Secondary Capture Image Storage"
    }  # fmt: skip
    assert {one.StudyInstanceUID for one in stored.values()} == {uid(1)}
    assert {one.PatientID for one in stored.values()} == {f"{PATIENT}-1"}


def test_every_object_is_valid(stored, tmp_path):
    for one in stored.values():
        assert errors(one, tmp_path) == []


def test_a_report_without_a_region_is_valid_too(folder, tmp_path):
    (report,) = make_objects(Search(folder / "1-1" / "0.dcm", hits=[("0123456789abcdef", 0.5)]))
    assert errors(report, tmp_path) == []


def test_findings_are_in_the_report_with_their_statistics(folder, tmp_path):
    labels = (
        Finding("nodule", 4, 5, 10, 100, 1e-7, 0.0002, 0.28, 0.99),
        Finding("normal", 1, 5, 50, 100, 0.9, 1, 0, 0.7),
    )
    findings = Findings("patient", 5, 100, labels)
    (report,) = make_objects(Search(folder / "1-1" / "0.dcm", findings=findings))
    assert errors(report, tmp_path) == []
    numbers = numbers_of(report)
    assert [name for name, _ in numbers] == ["finding 1: nodule", "finding 2: normal"]
    assert numbers[0][1] == pytest.approx(
        {
            "FOUND": 4, "MATCHING": 5, "LABELLED": 10, "CASES": 100, "SHARE": 0.8, "SHARELOW": 0.28,
            "SHAREHIGH": 0.99, "ENRICHMENT": 8, "P": 1e-7, "PHOLM": 0.0002,
        }
    )  # fmt: skip
    withheld = replace(findings, withheld=("a metric",))
    (report,) = make_objects(Search(folder / "1-1" / "0.dcm", findings=withheld))
    assert {"P", "PHOLM"} & set(numbers_of(report)[0][1]) == set()


def numbers_of(report):
    """Return the name of each group that has numbers, and these by their codes."""
    found = []
    groups = [item for item in report.ContentSequence if item.get("ContentSequence")][-1].ContentSequence
    for group in groups:
        items = group.ContentSequence
        name = next(one.TextValue for one in items if one.ConceptNameCodeSequence[0].CodeValue == "112039")
        numbers = {
            one.ConceptNameCodeSequence[0].CodeValue: float(one.MeasuredValueSequence[0].NumericValue)
            for one in items
            if one.ValueType == "NUM"
        }
        found += [(name, numbers)] if numbers else []
    return found


def test_each_outline_of_a_region_is_in_the_report(folder, tmp_path):
    region = Region((Region.box(2, 2, 4, 4).polygons[0], Region.box(20, 20, 5, 5).polygons[0]))
    report, segmentation = make_objects(Search(folder / "1-1" / "0.dcm", region=region))
    assert errors(report, tmp_path) == errors(segmentation, tmp_path) == []
    path = tmp_path / "report.dcm"
    report.save_as(path, enforce_file_format=True)
    found = regions_of(path, target_of(folder / "1-1" / "0.dcm", 0))
    assert np.array_equal(found[0].mask | found[1].mask, region.mask((32, 32)))


def test_the_report_says_what_was_asked_how_and_what_was_found(stored, index):
    text = text_of(stored["Comprehensive 3D SR Storage"])
    assert "POLYLINE" in text
    assert "dense, recipe" in text
    assert "reference database of 6 images" in text
    with Index.open(index) as opened:
        references = [opened.reference(name) for name in opened.names]
    assert 1 <= sum(reference in text for reference in references) <= 4


def test_nothing_of_other_patients_is_in_the_report_or_the_segmentation(stored):
    for name in ("Comprehensive 3D SR Storage", "Segmentation Storage"):
        text = text_of(stored[name])
        assert f"{PATIENT}-2" not in text
        assert f"{uid(2)}." not in text
        assert "2-1/" not in text


def test_the_segmentation_is_the_region(stored, folder):
    segmentation = stored["Segmentation Storage"]
    mask = np.squeeze(segmentation.pixel_array)
    assert np.array_equal(mask, Region.box(4, 6, 10, 12).mask((32, 32)))


def test_without_being_asked_for_no_sheet_is_made(folder):
    made = make_objects(Search(folder / "1-1" / "0.dcm", region=BOX))
    assert len(made) == 2


@pytest.mark.parametrize(
    ("codes", "name"),
    [
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["ISO 2022 IR 6", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        ("ISO_IR 100", "Müller^Jörg"),
    ],
)
def test_a_name_in_any_character_set_is_read_back_equal(tmp_path, codes, name):
    place = write_study(tmp_path, 1, n=1, SpecificCharacterSet=codes, PatientName=name)
    for made in make_objects(Search(place / "0.dcm", region=BOX)):
        made.save_as(tmp_path / "made.dcm", enforce_file_format=True)
        assert str(pydicom.dcmread(tmp_path / "made.dcm").PatientName) == name
        assert errors(made, tmp_path) == []


def test_a_label_in_any_letters_is_read_back_equal(folder, tmp_path):
    # The header of the query is of ASCII alone.
    label = "Größe 日本 Ω"
    findings = Findings("patient", 3, 9, (Finding(label, 2, 3, 4, 9, 0.2, 0.5, 0.1, 0.9),))
    made = make_objects(Search(folder / "1-1" / "0.dcm", facts=[label], findings=findings))[0]
    made.save_as(tmp_path / "made.dcm", enforce_file_format=True)
    text = text_of(pydicom.dcmread(tmp_path / "made.dcm"))
    assert f"finding 1: {label}" in text
    assert text.count(label) == 2
    assert errors(made, tmp_path) == []


_ENHANCED = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4.1", "Modality": "MR", "PixelSpacing": None}
_RADIOGRAPH = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1", "Modality": "CR", "PatientOrientation": ""}
_UNPLACED = {"ImagePositionPatient": None, "ImageOrientationPatient": None}


@pytest.mark.parametrize(
    ("header", "n"),
    [
        ({"SliceThickness": ""}, 1),
        ({**_RADIOGRAPH, **_UNPLACED, "BodyPartExamined": "CHEST"}, 2),
        ({**_ENHANCED, **_UNPLACED}, 1),
        ({"PixelSpacing": None}, 1),
        ({"FrameOfReferenceUID": ""}, 1),
        ({"BodyPartExamined": "KNEE", "Laterality": "R"}, 2),
        ({"BodyPartExamined": "KNEE"}, 2),
        ({"BodyPartExamined": "WHOLE BODY"}, 2),
        ({"PatientIdentityRemoved": "YES"}, 2),
        (dict.fromkeys(MAY_BE_EMPTY), 2),
        ({"StudyDate": "2026-01-01", "StudyTime": "12:00:00", "PatientBirthDate": "00000000"}, 2),
        ({"PatientSex": "female", "PatientName": ["A^B", "C^D"]}, 2),
        ({"ImagePositionPatient": [1, 2]}, 2),
        ({"ImageOrientationPatient": [0] * 6}, 1),
    ],
)
def test_what_a_header_lacks_costs_no_report(tmp_path, header, n):
    path = write_study(tmp_path, 1, n=1) / "0.dcm"
    image = pydicom.dcmread(path)
    for keyword, value in header.items():
        if value is None:
            image.pop(keyword, None)
        else:
            setattr(image, keyword, value)
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.save_as(path)
    sheet = np.zeros((40, 50, 3), np.uint8)
    made = make_objects(Search(path, region=BOX, sheet=sheet))
    assert len(made) == n + 1
    assert [error for one in made for error in errors(one, tmp_path)] == []
    assert "POLYLINE" in text_of(made[0])


@pytest.mark.parametrize("kind", ["1.2.840.10008.5.1.4.1.1.6", "1.2.840.113619.4.2"])
def test_a_report_refers_to_images_of_retired_and_private_classes(tmp_path, kind):
    path = write_study(tmp_path, 1, n=1) / "0.dcm"
    image = pydicom.dcmread(path)
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = kind
    image.save_as(path)
    made = make_objects(Search(path, region=BOX))
    assert len(made) == 2
    for one in made:
        assert {e.value for e in one.iterall() if e.keyword == "ReferencedSOPClassUID"} == {kind}
        assert errors(one, tmp_path) == []


def test_what_a_file_lacks_for_a_report_is_said_in_our_words(tmp_path):
    path = write_study(tmp_path, 1, n=1) / "0.dcm"
    image = pydicom.dcmread(path)
    del image.StudyInstanceUID
    image.save_as(path)
    with pytest.raises(PictureError, match=r"no result can refer .* lacks StudyInstanceUID\)"):
        make_objects(Search(path))
    image.StudyInstanceUID = "1.2.3"
    pydicom.dcmwrite(path, Dataset(image), implicit_vr=False, little_endian=True)  # without a preamble
    (report,) = make_objects(Search(path))
    assert report.StudyInstanceUID == "1.2.3"


def test_a_region_of_a_slice_of_a_mosaic_is_said_on_its_sheet(tmp_path):
    path = write_study(tmp_path, 1, n=1, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"]) / "0.dcm"
    image = pydicom.dcmread(path)
    image.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 4)
    image.save_as(path)
    # Four slices of 16 x 16: the last one is at row 16 and column 16 of the sheet.
    (report,) = make_objects(Search(path, 3, region=Region.box(2, 3, 5, 7)))
    assert errors(report, tmp_path) == []
    report.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    (found,) = regions_of(tmp_path / "report.dcm", target_of(path, 0))
    assert np.array_equal(found.mask, Region.box(18, 19, 5, 7).mask((32, 32)))
    (whole,) = make_objects(Search(path, 2))
    whole.save_as(tmp_path / "whole.dcm", enforce_file_format=True)
    (found,) = regions_of(tmp_path / "whole.dcm", target_of(path, 0))
    assert np.array_equal(found.mask, Region.box(16, 0, 16, 16).mask((32, 32)))


def test_a_region_in_frames_without_places_is_in_the_report_alone(tmp_path):
    path = write_study(tmp_path, 1, n=1) / "0.dcm"
    image = pydicom.dcmread(path)
    # Nuclear medicine: of a frame of reference, but the places are in a sequence of the detector.
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.20"
    image.Modality, image.NumberOfFrames, image.PixelData = "NM", 3, image.PixelData * 3
    del image.ImagePositionPatient, image.ImageOrientationPatient
    image.save_as(path)
    (report,) = make_objects(Search(path, 1, region=BOX))
    assert errors(report, tmp_path) == []
    assert "POLYLINE" in text_of(report)


def test_a_region_of_a_frame_of_a_slide_is_valid(tmp_path):
    slide = write_dicom_slide(tmp_path / "slide.dcm", np.zeros((512, 512, 3), np.uint8), Modality="SM")
    report, segmentation = make_objects(Search(slide, 3, region=BOX))
    assert errors(segmentation, tmp_path) == []
    assert "POLYLINE" in text_of(report)


@pytest.mark.parametrize("has_segmentation", [False, True])
def test_a_region_without_a_segmentation_is_said(monkeypatch, capsys, has_segmentation):
    monkeypatch.setattr(to_archive, "store_search", lambda *args, **options: Stored(1, has_segmentation))
    args, query = SimpleNamespace(to=Address("dicomweb", "a"), to_sheet=False), SimpleNamespace(id="b.dcm")
    to_archive.send(args, None, query, None, SimpleNamespace(region=BOX))
    said = capsys.readouterr().err
    assert "1 object about b.dcm is stored" in said
    assert ("the region is in the report alone" in said) is not has_segmentation


def test_what_is_no_dicom_file_is_refused_in_one_line(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(PictureError, match="no result can refer to this file"):
        make_objects(Search(tmp_path / "a.png"))


def test_an_archive_that_is_away_or_none_is_one_line(folder):
    made = make_objects(Search(folder / "1-1" / "0.dcm"))
    with pytest.raises(ArchiveError, match="connection failed"):
        store_objects(Address.parse("dicomweb:http://127.0.0.1:9/dicom-web"), made)
    with pytest.raises(ArchiveError, match="over DICOMweb"):
        store_objects(Address.parse("folder:/tmp"), made)


def test_what_cannot_be_stored_is_refused_before_anything_is_asked(index, folder, capsys):
    query = folder / "1-1" / "0.dcm"
    assert run("query", index, query, "--to-sheet") == 2
    assert run("query", index, query, "--to", folder) == 2
    assert run("query", index, query, "--volume", "--to", "dicomweb:http://127.0.0.1:9/x") == 2
    assert "leave out --volume" in capsys.readouterr().err
