"""The page and the archive: a search is stored where the server was told, and images link to the viewer."""

from __future__ import annotations

import pytest
from support.archive_files import uid, write_study
from support.served import graphql
from support.server_process import serving

from cli.main import main
from retrieval.readers.archive import Address

pytestmark = [pytest.mark.usefixtures("quick"), pytest.mark.filterwarnings("ignore")]
SEND = """mutation($ask: Ask!) { sendToArchive(index: "i", ask: $ask) {
  __typename ... on Sent { archive objects } ... on Problem { kind message argument } } }"""
LINK = """query($image: ID!) { viewerLink(index: "i", image: $image) {
  __typename ... on Link { address } ... on Problem { kind message } } }"""
STATE = "{ indexes { archive hasViewer } }"
VIEWER = "http://viewer.example/viewer?StudyInstanceUIDs={study}&SeriesInstanceUIDs={series}&image={image}"


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """An index of an archive, a folder by series."""
    folder = tmp_path_factory.mktemp("scans")
    write_study(folder, 1, n=3)
    place = tmp_path_factory.mktemp("index") / "i"
    assert run("index", f"folder:{folder}", "-o", place, "--by", "thumbnail", "--jobs", 1, "--quiet") == 0
    return place


@pytest.fixture
def image(index, capsys):
    """The id of an image of the index."""
    from retrieval.index import Index

    with Index.open(index) as opened:
        return opened.names[1]


def test_a_search_is_stored_where_the_server_was_told(index, image, orthanc):
    archive = Address.parse(f"{orthanc.dicomweb}?PatientName=ZYX")
    with serving(index, archive=archive) as client:
        (state,) = graphql(client, STATE)["indexes"]
        # Without filters, which may name a patient.
        assert state == {"archive": orthanc.dicomweb, "hasViewer": False}
        sent = graphql(client, SEND, ask={"image": image, "region": {"box": [4, 6, 12, 10]}})["sendToArchive"]
        assert sent == {"__typename": "Sent", "archive": orthanc.dicomweb, "objects": 2}
        assert len(orthanc.rest("instances")) == 2
        (study,) = orthanc.rest("studies")
        assert orthanc.rest(f"studies/{study}")["MainDicomTags"]["StudyInstanceUID"] == uid(1)
        refused = graphql(client, SEND, ask={"upload": "x"})["sendToArchive"]
        assert (refused["kind"], refused["argument"]) == ("BAD_ASK", "upload")
        refused = graphql(client, SEND, ask={"image": image, "volume": True})["sendToArchive"]
        assert (refused["kind"], refused["argument"]) == ("BAD_ASK", "volume")


def test_an_archive_that_is_away_is_a_problem(index, image):
    with serving(index, archive=Address.parse("dicomweb:http://127.0.0.1:9/dicom-web")) as client:
        refused = graphql(client, SEND, ask={"image": image})["sendToArchive"]
        assert "the connection failed" in refused["message"]


def test_without_a_target_nothing_is_sent_or_linked(index, image):
    with serving(index) as client:
        assert graphql(client, STATE)["indexes"] == [{"archive": None, "hasViewer": False}]
        assert graphql(client, SEND, ask={"image": image})["sendToArchive"]["kind"] == "NOT_FOUND"
        assert graphql(client, LINK, image=image)["viewerLink"]["kind"] == "NOT_FOUND"


def test_an_image_links_to_the_viewer_if_the_key_is_at_hand(index, image, tmp_path, monkeypatch):
    with serving(index, viewer_link=VIEWER) as client:
        assert graphql(client, STATE)["indexes"] == [{"archive": None, "hasViewer": True}]
        address = graphql(client, LINK, image=image)["viewerLink"]["address"]
        assert address.startswith(
            f"http://viewer.example/viewer?StudyInstanceUIDs={uid(1)}&SeriesInstanceUIDs={uid(1, 1)}"
        )
        assert graphql(client, LINK, image="none")["viewerLink"]["__typename"] == "Problem"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with serving(index, viewer_link=VIEWER) as client:
        assert "key" in graphql(client, LINK, image=image)["viewerLink"]["message"]


def test_an_image_of_a_plain_folder_links_by_its_header(tmp_path):
    write_study(tmp_path / "scans", 1, n=1)
    assert (
        run("index", tmp_path / "scans", "-o", tmp_path / "i", "--by", "thumbnail", "--jobs", 1, "--quiet")
        == 0
    )
    with serving(tmp_path / "i", viewer_link="https://v/{image}") as client:
        address = graphql(client, LINK, image="1-1/0.dcm")["viewerLink"]["address"]
    assert address == f"https://v/{uid(1, 1, 0)}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "scans"], "--to: scans is no archive"),
        (["--to", "folder:scans"], "is no archive that takes results"),
        (["--viewer-link", "javascript:alert({study})"], "--viewer-link: is no address"),
        (["--viewer-link", "http://viewer/"], "--viewer-link: names no study"),
    ],
)
def test_a_target_that_is_none_is_refused_before_the_server_starts(index, capsys, words, message):
    assert run("serve", index, *words, "--quiet") == 2
    assert message in capsys.readouterr().err
