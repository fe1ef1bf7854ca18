"""``semblance audit`` finds what looks like an identifier, and says so by its exit code."""

import json

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from support.dicom_files import texture, write_dicom
from support.indexes import change, index_thumbnails

from cli.main import main
from retrieval.index.storage.key_file import VARIABLE
from viewer.identifiers import identifiers


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("born 1961-02-03", "date"),
        ("19610203", "date"),
        ("seen on 03.02.1961", "date"),
        ("DOE^JANE", "name"),
        ("archive/Doe_Jane/1.dcm", "name"),
        ("Doe, Jane", "name"),
        ("MRN 00482913", "number"),
        ("scan_7719203.dcm", "number"),
        ("7719203.dcm#4", "number"),
        ("P1234567", "number"),
        ("078-05-1120", "number"),
        ("02/13/1961", "date"),
        ("am 3.2.1961", "date"),
        ("03.02.61", "date"),
        ("03-FEB-1961", "date"),
        ("February 3rd, 1961", "date"),
        ("1961_02_03", "date"),
        ("19610203120000", "date"),
        ("Özdemir_Ali", "name"),
        ("DOE^^", "name"),
        ("王^小東", "name"),
        ("\\\\server\\scans\\jdoe", "path"),
        ("file:///home/jdoe/1.dcm", "path"),
        ("write to jane.doe@example.org", "e-mail"),
        ("1.2.840.113619.2.55.3.604688119", "uid"),
        ("/home/jdoe/scans/1.dcm", "path"),
        ("C:\\Users\\jdoe\\1.dcm", "path"),
        ("CT_Head", None),
        ("set SEMBLANCE_TOKEN", None),
        ("3f2a9c0d1e4b5a68", None),  # a pseudonym
        ("0.123456789 and 12345 px", None),
        ("superpixel, dense", None),
        ("1234567.25 and 10.12.19.4", None),
        ("3 images, 2000 x 2000; 10 decimals", None),
    ],
)
def test_shapes_of_identifiers(text, kind):
    assert [one.kind for one in identifiers([("here", text)])] == ([] if kind is None else [kind])


@pytest.mark.parametrize("text", ["a" * 100_000, "a." * 50_000, "A_" * 50_000])
def test_long_words_are_looked_through_once(text):
    assert list(identifiers([("here", text)])) == []


@pytest.fixture
def place(tmp_path):
    (tmp_path / "scans").mkdir()
    for number in range(2):
        path = tmp_path / "scans" / f"{number}.dcm"
        write_dicom(
            path,
            texture(number),
            uid=f"1.2.{number}",
            PatientName="Doe^Jane",
            PatientID="00482913",
            Modality="CT",
        )
    return index_thumbnails(tmp_path / "x.index", tmp_path / "scans")


def found(capsys, path):
    capsys.readouterr()
    code = main(["audit", str(path), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == (1 if told else 0)
    return {(one["kind"], one["text"]) for one in told}


def test_an_index_is_clean_but_for_the_path_of_its_folder(place, tmp_path, capsys):
    assert found(capsys, place) == {("path", str(tmp_path / "scans"))}
    change(place, "UPDATE root SET path = ?", b"scans")
    assert found(capsys, place) == set()
    assert main(["audit", str(place)]) == 0
    assert "nothing that looks like an identifier" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ('UPDATE picture SET metadata = \'{"body_part": "DOE 19610203"}\'', "date"),
        ("UPDATE source SET reason = 'damaged near Doe^Jane' WHERE id = 1", "name"),
        ("INSERT INTO label VALUES ('0.dcm', '[]', '{\"mrn\": \"00482913\"}', '[]')", "number"),
    ],
)
def test_what_is_in_an_index_is_found(place, capsys, sql, kind):
    change(place, sql)
    assert kind in {one for one, _ in found(capsys, place)}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE picture SET name = 'fa20110523eb17c0#2' WHERE name = '0.dcm'",
        "UPDATE source SET name = 'c0fa20110523eb17/c019610203fe17ab' WHERE id = 1",
        "INSERT OR REPLACE INTO pixels VALUES (1, CAST('Doe^Jane 19610203' AS BLOB))",
    ],
)
def test_hashes_are_no_identifiers_whatever_their_digits_are(place, tmp_path, capsys, sql):
    change(place, sql)
    assert found(capsys, place) == {("path", str(tmp_path / "scans"))}


def test_burned_in_text_and_an_open_key_are_told(place, tmp_path, monkeypatch, capsys):
    change(place, "UPDATE picture SET burned_in = 1")
    assert "burned-in text" in {kind for kind, _ in found(capsys, place)}
    key = tmp_path / "key"
    monkeypatch.setenv(VARIABLE, str(key))
    other = index_thumbnails(tmp_path / "y.index", tmp_path / "scans")
    assert "key" not in {kind for kind, _ in found(capsys, other)}
    key.chmod(0o644)
    assert "key" in {kind for kind, _ in found(capsys, other)}


def test_pages_tables_images_and_headers_of_a_folder_are_looked_into(place, tmp_path, capsys):
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "page.html").write_text(
        "<style>a{color:#000000}</style><script>var n = 12345678</script>"
        '<script type=\'application/json\'>{"id": "Doe^Jane"}</script>'
        "<img alt='Roe_John' src='data:image/png;base64,QUJD'>"
        "<dl><dt>made on</dt><dd>2026-11-30 09:32 UTC</dd><dt>Semblance</dt><dd>0.1.0</dd></dl>"
    )
    (folder / "table.csv").write_text("id,born\na,1961-02-03\n")
    about = PngInfo()
    about.add_text("Comment", "for jane.doe@example.org")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "sheet.png", pnginfo=about)
    write_dicom(folder / "x.dcm", texture(), PatientID="00482913")
    assert found(capsys, folder) == {
        ("name", "Doe^Jane"),
        ("name", "Roe_John"),
        ("date", "1961-02-03"),
        ("e-mail", "jane.doe@example.org"),
        ("number", "00482913"),
    }


def test_a_path_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["audit", str(tmp_path / "none")]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_an_index_in_a_folder_is_looked_into_as_one(place, tmp_path, capsys):
    change(place, "UPDATE root SET path = ?", b"scans")
    change(place, "UPDATE picture SET burned_in = 2 WHERE name = '0.dcm'")
    alone = found(capsys, place)
    assert alone == {("burned-in text", "seen in its pixels")}
    (tmp_path / "all").mkdir()
    place.rename(tmp_path / "all" / "x.index")
    assert found(capsys, tmp_path / "all") == alone


def test_shards_are_looked_into_with_their_head(place, tmp_path, capsys):
    change(place, "UPDATE root SET path = ?", b"scans")
    assert main(["shard", str(place), "--into", "2", "-o", str(tmp_path / "shards")]) == 0
    assert found(capsys, tmp_path / "shards") == set()
    assert found(capsys, tmp_path / "shards" / "shards.toml") == set()
    # The list of shards stands for the index, here as anywhere.
    change(tmp_path / "shards" / "head", "UPDATE root SET path = ?", b"/home/jdoe/scans")
    assert found(capsys, tmp_path / "shards" / "shards.toml") == {("path", "/home/jdoe/scans")}
    (tmp_path / "other.toml").write_text("born = 1961-02-03", "utf-8")
    assert found(capsys, tmp_path / "other.toml") == {("date", "1961-02-03")}
