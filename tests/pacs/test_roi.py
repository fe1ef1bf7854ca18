"""Regions of interest of an archive as the region of a query: a segmentation, or our own report."""

from __future__ import annotations

import json

import pytest
from support.archive_files import uid, write_study

from cli.main import main
from pacs.results import make_objects
from pacs.search import Search
from retrieval.region import Region

pytestmark = [pytest.mark.usefixtures("quick"), pytest.mark.filterwarnings("ignore")]
BOX = "6,4,12,10"


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two studies, and a segmentation and a report about an image of the first."""
    folder = tmp_path_factory.mktemp("archive")
    for study in (1, 2):
        write_study(folder, study, n=3)
    return folder


@pytest.fixture(scope="module")
def rois(folder):
    """Return the UIDs of the report and of the segmentation."""
    search = Search(folder / "1-1" / "1.dcm", region=Region.box(4, 6, 10, 12))
    made = make_objects(search)
    for one in made:
        one.save_as(folder / f"{one.Modality}.dcm", enforce_file_format=True)
    return {one.Modality: str(one.SOPInstanceUID) for one in made}


@pytest.fixture(scope="module")
def index(folder, rois, tmp_path_factory):
    place = tmp_path_factory.mktemp("index") / "i"
    assert (
        run("index", f"folder:{folder}?Modality=CT", "-o", place, "--by", "thumbnail", "--jobs", 1, "--quiet")
        == 0
    )
    return place


def hits(capsys, *words):
    assert run("query", *words, "--json", "--quiet") == 0
    (answer,) = json.loads(capsys.readouterr().out)
    return {hit["id"]: hit["score"] for hit in answer["hits"]}


@pytest.mark.parametrize("kind", ["SR", "SEG"])
def test_a_region_of_the_archive_is_that_region(index, folder, rois, capsys, kind):
    image = folder / "1-1" / "1.dcm"
    by_box = hits(capsys, index, image, "--region", BOX)
    assert hits(capsys, index, image, "--roi", rois[kind]) == pytest.approx(by_box)
    assert hits(capsys, index, image, "--roi", f"{rois[kind]}#1") == pytest.approx(by_box)
    assert hits(capsys, index, image) != pytest.approx(by_box)


def test_an_image_of_the_archive_is_asked_by_its_id(index, folder, rois, capsys):
    (best,) = hits(capsys, index, folder / "1-1" / "1.dcm", "-k", 1)
    by_box = hits(capsys, index, best, "--region", BOX)
    assert hits(capsys, index, best, "--roi", rois["SEG"]) == pytest.approx(by_box)
    # A file of regions that is at hand needs the image's own file, which is fetched.
    assert hits(capsys, index, best, "--mask", folder / "SEG.dcm") == pytest.approx(by_box)


def test_what_marks_nothing_here_is_one_line(index, folder, rois, capsys):
    def refused(*words):
        assert run("query", index, *words, "--quiet") == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        return line

    assert "none of its regions refers to this image" in refused(
        folder / "1-1" / "2.dcm", "--roi", rois["SEG"]
    )
    assert "has no object 1.2.3" in refused(folder / "1-1" / "1.dcm", "--roi", "1.2.3")
    assert "has no object" in refused(folder / "2-1" / "1.dcm", "--roi", rois["SR"])
    assert "--roi and --region: both" in refused(folder / "1-1" / "1.dcm", "--roi", "1.2", "--region", BOX)
    assert "leave out --volume" in refused(folder / "1-1", "--roi", "1.2", "--volume")
    assert "has no region" in refused(folder / "1-1" / "1.dcm", "--roi", f"{rois['SR']}#liver")


def test_an_object_that_the_archive_lists_and_does_not_send_is_one_line(
    index, folder, rois, capsys, monkeypatch
):
    monkeypatch.setattr("pacs.folder.FolderArchive.files", lambda *about: iter(()))
    assert run("query", index, folder / "1-1" / "1.dcm", "--roi", rois["SEG"], "--quiet") == 2
    assert f"has no object {rois['SEG']}" in capsys.readouterr().err


def test_an_index_of_no_archive_says_what_to_give(folder, tmp_path, capsys):
    run("index", folder / "1-1", "-o", tmp_path / "i", "--by", "thumbnail", "--jobs", 1, "--quiet")
    assert run("query", tmp_path / "i", folder / "1-1" / "1.dcm", "--roi", uid(1), "--quiet") == 2
    assert "give --mask FILE" in capsys.readouterr().err
