"""Bad weather: whatever an archive does, there is one line, nothing is lost, and nothing is there twice."""

from __future__ import annotations

import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from support.archive_files import PATIENT, uid, write_study
from support.weather import bad_weather

from pacs.dicomweb import DicomWeb
from pacs.folder import FolderArchive
from pacs.matching import contradicts
from pacs.web import RetryPolicy, TransientError
from retrieval.baselines import Thumbnail
from retrieval.errors import ArchiveError, SettingError
from retrieval.index.update.archive_files import GONE
from retrieval.index.writer import IndexWriter
from retrieval.readers.archive import Address, SeriesKey, part_path

pytestmark = pytest.mark.usefixtures("quick", "hasty")
N_IMAGES = 9
FIRST = SeriesKey(uid(1), uid(1, 1))


@pytest.fixture
def hasty(monkeypatch):
    """Wait for nothing."""
    monkeypatch.setattr("pacs.web._PAUSES", (0.0, 0.0))
    monkeypatch.setattr(RetryPolicy, "pauses", (0.0, 0.0))
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for study in (1, 2, 3):
        write_study(folder, study, n=3)
    return folder


@pytest.fixture
def index(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with IndexWriter.create(tmp_path / "i") as made:
        made.add_representation(Thumbnail())
        yield made


def update(index, weather, **options):
    return index.update([], archives=[Address.parse(weather.address)], jobs=1, **options)


def left(tmp_path):
    """Return the files that an update left in the cache."""
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_an_archive_is_indexed_once_and_its_files_are_deleted(index, files, tmp_path):
    with bad_weather(files) as weather:
        report = update(index, weather)
        assert (report.added, len(index), left(tmp_path)) == (N_IMAGES, N_IMAGES, [])
        again = update(index, weather)
        assert (again.added, again.unchanged) == (0, N_IMAGES)
        # Nothing was fetched, or even listed, again; the end of a list is an empty page.
        assert weather.counts["whole"] == 3
        assert weather.counts["instances"] == 6


@pytest.mark.parametrize("fate", [None, 404])
def test_a_server_with_a_limit_of_its_own_loses_nothing(index, files, fate):
    with bad_weather(files) as weather:
        weather.most = 2
        if fate is not None:  # what this server answers behind the last image of a series
            weather.fail = lambda kind, n: fate if kind == "instances" and n % 3 == 0 else None
        assert update(index, weather).added == N_IMAGES
        assert update(index, weather).unchanged == N_IMAGES


def test_a_server_that_refuses_long_pages_is_asked_for_shorter_ones(files, monkeypatch):
    monkeypatch.setattr("pacs.dicomweb._SMALL_PAGE", 2)
    with bad_weather(files) as weather:
        weather.most, weather.refuses_more = 2, True
        assert len(listed(weather)) == 3
        weather.most = 1
        with pytest.raises(ArchiveError, match="answers 400"):
            listed(weather)


def test_ids_are_hashes_and_names_of_patients_are_nowhere(index, files, tmp_path):
    with bad_weather(files) as weather:
        update(index, weather)
    assert all(len(name) == 16 and int(name, 16) >= 0 for name in index.names)
    planted = (PATIENT.encode(), b"ZYXNAME", uid(1).encode())
    for path in (tmp_path / "i").rglob("*"):
        assert path.is_dir() or not any(text in path.read_bytes() for text in planted)


@pytest.mark.parametrize(
    ("kind", "fate"), [("whole", 503), ("whole", "half"), ("instances", "cut"), ("series", 503)]
)
def test_what_fails_once_is_asked_again(index, files, kind, fate):
    with bad_weather(files, lambda what, n: fate if (what, n) == (kind, 1) else None) as weather:
        assert update(index, weather).added == N_IMAGES
    assert len(index) == N_IMAGES


@pytest.mark.parametrize(
    ("kind", "fate", "message"),
    [
        ("whole", "half", "in the middle"),
        ("whole", "cut", "connection failed"),
        ("instances", 502, "answers 502"),
        ("series", 401, "refuses these credentials"),
        ("series", 404, "no DICOMweb here"),
        ("series", "half", "no JSON"),
    ],
)
def test_an_archive_that_goes_in_the_middle_gets_one_line_and_the_next_run_goes_on(
    index, files, tmp_path, kind, fate, message
):
    with bad_weather(
        files, lambda what, n: fate if what == kind and (n > 1 or what == "series") else None
    ) as weather:
        with pytest.raises(ArchiveError, match=message) as caught:
            update(index, weather)
        assert "\n" not in str(caught.value)
        n_before = len(index)
        assert n_before in (0, 3, 4, 5)
        assert left(tmp_path) == []
        weather.fail = None
        report = update(index, weather)
    assert report.added == N_IMAGES - n_before
    assert len(index) == len(set(index.names)) == N_IMAGES
    assert index.verify() == []


def test_a_slow_archive_is_given_up_with_one_line(files, tmp_path):
    with bad_weather(files, lambda kind, n: 0.6) as weather:
        archive = DicomWeb(Address.parse(weather.address), RetryPolicy(read=0.1, pauses=()))
        with pytest.raises(TransientError, match=r"no answer within 0\.1 s"):
            list(archive.files(FIRST, tmp_path))
        archive.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_no_failure_of_the_connection(index, files, tmp_path, monkeypatch):
    def full(folder):
        path = part_path(folder)
        path.symlink_to("/dev/full")
        tried.append(path)
        return path

    tried: list[object] = []
    monkeypatch.setattr("pacs.multipart.part_path", full)
    with bad_weather(files) as weather:
        with pytest.raises(ArchiveError, match="No space left on device; the files of the archive need room"):
            update(index, weather)
        assert weather.counts["whole"] == len(tried) == 1
    assert left(tmp_path) == []


def test_an_archive_that_is_away_is_named_and_nothing_is_forgotten(index, files):
    with bad_weather(files) as weather:
        update(index, weather)
    with pytest.raises(ArchiveError, match="Connection refused"):
        update(index, weather)
    assert len(index) == N_IMAGES


def test_a_study_that_is_deleted_while_it_is_read_costs_no_other(index, files):
    with bad_weather(files, lambda what, n: 404 if (what, n) == ("whole", 2) else None) as weather:
        report = update(index, weather)
        assert report.added == 6
        assert [reason for _, reason in report.skipped] == [GONE] * 3
        weather.series.pop((uid(2), uid(2, 1)))
        assert update(index, weather).removed == 3
    assert len(index) == 6


def test_a_study_that_is_deleted_leaves_the_index(index, files):
    with bad_weather(files) as weather:
        update(index, weather)
        weather.series.pop((uid(3), uid(3, 1)))
        assert update(index, weather).removed == 3
        assert len(index) == 6


def test_an_archive_that_shows_nothing_now_is_not_forgotten(index, files):
    with bad_weather(files) as weather:
        update(index, weather)
        weather.series.clear()
        with pytest.raises(Exception, match="shows none now"):
            update(index, weather)
    assert len(index) == N_IMAGES


def test_two_series_with_one_sop_uid_give_one_image_and_one_line(index, files):
    with bad_weather(files) as weather:
        weather.series[uid(1), uid(1, 7)] = dict(weather.series[FIRST])
        report = update(index, weather)
        assert report.added == N_IMAGES
        assert len(report.skipped) == 3
        assert all("same SOP instance UID" in reason for _, reason in report.skipped)
        assert update(index, weather).unchanged == N_IMAGES


def test_files_are_kept_in_a_cache_and_not_fetched_again(index, files, tmp_path):
    with bad_weather(files) as weather:
        update(index, weather, cache=tmp_path / "kept")
        assert len(list((tmp_path / "kept").iterdir())) == N_IMAGES
    # The archive is away.
    assert index.read(index.names[0]).shape == (32, 32)


def test_an_image_is_fetched_again_when_its_pixels_are_needed(index, files):
    with bad_weather(files) as weather:
        update(index, weather)
        assert index.read(index.names[4]).shape == (32, 32)
        assert weather.counts["one"] == 1
        report = update(index, weather, refit=True)
        assert report.added == 0
    with pytest.raises(Exception, match=f"{index.names[4]}: dicomweb:.*the connection failed"):
        index.read(index.names[4])


def test_a_uid_that_leads_elsewhere_is_refused(index, files):
    with bad_weather(files) as weather:
        weather.series["../../etc", uid(1, 1)] = {"1.2": b""}
        with pytest.raises(ArchiveError, match="names a UID that is none"):
            update(index, weather)


def test_one_image_may_come_without_a_multipart_answer(files, tmp_path, monkeypatch):
    def one_file(found):
        (content,) = found.values()
        return content

    monkeypatch.setattr("support.weather.multipart", one_file)
    monkeypatch.setattr("support.weather.MULTIPART", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1")
    with bad_weather(files) as weather:
        archive = DicomWeb(Address.parse(weather.address))
        (file,) = archive.files(FIRST, tmp_path, [uid(1, 1, 2)])
        assert (file.uid, file.path.read_bytes()) == (uid(1, 1, 2), weather.series[FIRST][uid(1, 1, 2)])


def test_one_image_that_is_gone_costs_no_other(files, tmp_path):
    with bad_weather(files) as weather:
        weather.fail = lambda kind, n: 404 if kind == "one" and n == 1 else None
        wanted = sorted(weather.series[FIRST])
        found = [file.uid for file in DicomWeb(Address.parse(weather.address)).files(FIRST, tmp_path, wanted)]
        assert found == wanted[1:]


def listed(weather, filters=""):
    return [one.key for one in DicomWeb(Address.parse(f"{weather.address}{filters}")).series()]


def test_a_filter_that_a_server_passes_over_is_heeded_here(files):
    with bad_weather(files) as weather:
        assert listed(weather) == [SeriesKey(uid(n), uid(n, 1)) for n in (1, 2, 3)]
        assert listed(weather, f"?SeriesInstanceUID={uid(1, 1)}") == [FIRST]
        both = f"?StudyInstanceUID={uid(1)},{uid(3)}"
        assert listed(weather, both) == [FIRST, SeriesKey(uid(3), uid(3, 1))]
        # What the server does not return is not known to be another.
        options = "fuzzymatching=true&emptyvaluematching=true"
        assert len(listed(weather, f"?BodyPartExamined=HEAD&{options}&00080060=CT")) == 3


@pytest.mark.parametrize("keyword", ["Modalty", "modality", "limit", "RequestAttributesSequence.Nothing"])
def test_a_keyword_that_dicom_lacks_is_refused(files, keyword):
    with pytest.raises(SettingError, match=f"{keyword}: DICOM has no such attribute"):
        DicomWeb(Address.parse(f"dicomweb:http://127.0.0.1:9/dw?{keyword}=CT"))
    with pytest.raises(SettingError, match=f"{keyword}: DICOM has no such attribute"):
        FolderArchive(Address.parse(f"folder:{files}?{keyword}=CT"))


@pytest.mark.parametrize(
    ("value", "wanted", "keyword"),
    [
        ("CT", "MR,CT", "Modality"),
        ("CT", "MR\\C?", "Modality"),
        ("NEURO CRÂNE", "*Crane", "StudyDescription"),
        ("HEAD", "HEAD ", "BodyPartExamined"),
        ("20260115", "20260101-20260131", "StudyDate"),
        ("2026.01.15", "-20260115", "00080020"),
        ("1.2.3", "1.2.4,1.2.3", "StudyInstanceUID"),
        ("12", '""', "PatientID"),
        ("x", "y", "00091001"),
        ({"Alphabetic": "X"}, "Y", "PatientName"),
    ],
)
def test_what_an_archive_may_find_for_a_filter_contradicts_it_not(value, wanted, keyword):
    assert not contradicts([value], wanted, keyword)


@pytest.mark.parametrize(
    ("value", "wanted", "keyword"),
    [
        ("MR", "CT,US", "Modality"),
        ("20260201", "20260101-20260131", "StudyDate"),
        ("1.2.3", "1.2.4", "0020000D"),
    ],
)
def test_what_no_archive_may_find_for_a_filter_contradicts_it(value, wanted, keyword):
    assert contradicts([value], wanted, keyword)


def test_a_filter_that_is_given_twice_is_refused():
    with pytest.raises(SettingError, match="Modality is given twice"):
        Address.parse("dicomweb:http://127.0.0.1/dw?Modality=CT&Modality=MR")


def test_a_server_that_shows_its_first_page_for_ever_is_named(files, monkeypatch):
    monkeypatch.setattr("pacs.dicomweb._PAGE", 2)
    with bad_weather(files) as weather:
        page = weather.page
        monkeypatch.setattr(weather, "page", lambda rows, query: page(rows, "offset=0&limit=2"))
        with pytest.raises(ArchiveError, match="shows the first 2 of what matches again and again"):
            listed(weather)


def test_a_server_that_heeds_no_limit_shows_all_at_once(files, monkeypatch):
    monkeypatch.setattr("pacs.dicomweb._PAGE", 2)
    with bad_weather(files) as weather:
        page = weather.page
        monkeypatch.setattr(weather, "page", lambda rows, query: page(rows, "offset=0&limit=9"))
        assert len(listed(weather)) == 3


@pytest.mark.parametrize("row", [1, None, [], {"0020000D": 2}, {"0020000E": {"Value": {}}}])
def test_a_row_that_is_none_is_one_line(files, monkeypatch, row):
    with bad_weather(files) as weather:
        monkeypatch.setattr(weather, "row", lambda *about, **more: row)
        with pytest.raises(ArchiveError, match="names a UID that is none"):
            listed(weather)


def test_a_number_of_images_that_is_none_is_not_known(files, monkeypatch):
    with bad_weather(files) as weather:
        row = weather.row
        monkeypatch.setattr(weather, "row", lambda *about, n: row(*about, n="many"))
        assert [one.n_images for one in DicomWeb(Address.parse(weather.address)).series()] == [None] * 3


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_file_whose_head_names_another_image_is_the_one_of_its_data_set(index, tmp_path, syntax):
    # As anonymisers leave it, which change the data set alone.
    folder = write_study(tmp_path / "files", 1, n=3)
    for number, path in enumerate(sorted(folder.iterdir())):
        image = pydicom.dcmread(path)
        image.file_meta.TransferSyntaxUID = syntax
        if syntax.is_little_endian is False:
            image.PixelData = image.pixel_array.astype(">u2").tobytes()
        image.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        pydicom.dcmwrite(
            path, image, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian
        )
    with bad_weather(tmp_path / "files") as weather:
        report = update(index, weather)
        assert (report.added, report.skipped) == (3, ())
        # One by one, as they are fetched when their pixels are needed.
        archive = DicomWeb(Address.parse(weather.address))
        found = list(archive.files(FIRST, tmp_path, [uid(1, 1, 2)]))
        assert [file.uid for file in found] == [uid(1, 1, 2)]
