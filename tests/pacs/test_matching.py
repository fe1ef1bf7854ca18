"""Attributes match as PS3.4 section C.2.2.2 has it."""

import pytest
from pydicom.multival import MultiValue

from cli.main import main
from pacs.matching import matches


@pytest.mark.parametrize(
    ("value", "wanted", "keyword", "expected"),
    [
        ("CT", "CT", "Modality", True),
        ("CT", "MR", "Modality", False),
        ("CT", "MR\\CT", "Modality", True),
        ("CT", "C*", "Modality", True),
        ("CT", "?T", "Modality", True),
        ("[CT]", "[CT]", "Modality", True),
        ("C", "[CT]", "Modality", False),
        (None, "CT", "Modality", False),
        (None, "", "Modality", True),
        ("anything", "*", "Modality", True),
        ("20260105", "20260101-", "StudyDate", True),
        ("20251231", "20260101-", "StudyDate", False),
        ("20260105", "-20260105", "StudyDate", True),
        ("20260106", "-20260105", "StudyDate", False),
        ("20260103", "20260101-20260105", "StudyDate", True),
        ("120000.5", "-120000", "StudyTime", True),
        ("20260105120000", "20260105-20260106", "AcquisitionDateTime", True),
        ("A-1", "A-1", "PatientID", True),
        ("10-20", "10-20", "PatientID", True),
        ("15", "10-20", "PatientID", False),
        ("2026-0012", "2026-0012", "AccessionNumber", True),
        ("2026-0013", "2026-0012", "AccessionNumber", False),
        ("2026-0012", "2026-*", "AccessionNumber", True),
        (MultiValue(str, ["CT", "SR"]), "SR", "Modality", True),
        ("DOE^JOHN^^", "Doe^John", "PatientName", True),
        ("Doe^John", "doe*", "PatientName", True),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田*", "PatientName", True),
        ("Yamada^Tarou=山田^太郎", "Yamada^Tarou=山田^太郎", "PatientName", True),
        ("Yamada^Tarou=山田^太郎", "太郎*", "PatientName", False),
    ],
)
def test_a_value_matches(value, wanted, keyword, expected):
    assert matches(value, wanted, keyword) is expected


def test_an_archive_that_has_nothing_to_index_is_named_without_its_filters(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    address = f"folder:{tmp_path / 'in'}?PatientID=ZEBRA"
    assert main(["index", address, "-o", str(tmp_path / "i"), "--by", "thumbnail", "--quiet"]) == 1
    said = capsys.readouterr().err
    assert f"folder:{tmp_path / 'in'}: holds no image that can be read" in said
    assert "ZEBRA" not in said


def test_an_archive_of_no_kind_is_named_without_its_filters(tmp_path, capsys):
    assert main(["index", "gopher://there?PatientID=ZEBRA", "-o", str(tmp_path / "i")]) == 2
    said = capsys.readouterr().err
    assert "no archive is called gopher" in said
    assert "ZEBRA" not in said
