import os
import shutil
from pathlib import Path

import pydicom
import pytest
from support.bombs import write_deflated

from retrieval.errors import PictureError
from retrieval.readers import dicomdir
from retrieval.readers.folder import find_files
from retrieval.readers.limits import Limits, limited

DICOM_TREE = Path(pydicom.__file__).parent / "data/test_files/dicomdirtests"


@pytest.fixture
def tree(tmp_path):
    for name in ("b/2.png", "b/10.png", "a.png", "c/d/e.dcm", ".hidden/x.png", "b/.x.png", "index/words.npy"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "tree"


def _names(*args, **kwargs):
    return [found.name for found in find_files(*args, **kwargs)]


def test_files_come_in_the_order_of_their_names_and_hidden_ones_not(tree):
    assert _names(tree) == ["a.png", "b/10.png", "b/2.png", "c/d/e.dcm", "index/words.npy"]


def test_a_file_is_described(tree):
    found = next(find_files(tree))
    status = (tree / "a.png").stat()
    assert (found.path, found.size, found.mtime_ns) == (tree / "a.png", 5, status.st_mtime_ns)


def test_excluded_folders_and_files_are_left_out(tree):
    assert _names(tree, exclude=[tree / "index", tree / "b/../b/2.png"]) == ["a.png", "b/10.png", "c/d/e.dcm"]


def test_a_single_file_has_its_own_name(tree):
    assert _names(tree / "c/d/e.dcm") == ["e.dcm"]


def test_an_empty_folder_holds_nothing(tmp_path):
    assert _names(tmp_path) == []


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(PictureError, match="nowhere: No such file"):
        _names(tmp_path / "nowhere")


def test_links_to_files_are_followed_and_broken_ones_reported(tree):
    (tree / "link.png").symlink_to(tree / "a.png")
    (tree / "zombie.png").symlink_to(tree / "gone.png")
    lines = []
    assert "link.png" in _names(tree, report=lines.append)
    assert lines == ["zombie.png: No such file or directory"]


def test_loops_of_folders_end(tree):
    (tree / "b/up").symlink_to(tree)
    (tree / "b/self").symlink_to("self")
    assert _names(tree, report=lambda line: None) == _names(tree)
    assert len(_names(tree)) == 5


def test_a_link_out_of_the_folder_is_followed_once(tree, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/y.png").write_bytes(b"y")
    (tmp_path / "other/back").symlink_to(tmp_path / "other")
    (tree / "m").symlink_to(tmp_path / "other")
    (tree / "n").symlink_to(tmp_path / "other")
    found = _names(tree, follow_links=True)
    assert [name for name in found if "y.png" in name] == ["m/y.png"]


def test_links_out_of_the_folder_are_not_followed_and_said(tree, tmp_path):
    before = _names(tree)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/y.png").write_bytes(b"y")
    (tree / "folder").symlink_to(tmp_path / "other")
    (tree / "file.png").symlink_to(tmp_path / "other/y.png")
    lines = []
    assert _names(tree, report=lines.append) == before
    assert [line.split(":")[0] for line in lines] == ["file.png", "folder"]
    assert all(line.endswith("is not followed; --follow-links does") for line in lines)
    # What is named itself is meant, also if it is a link.
    assert _names(tree / "folder") == ["y.png"]
    assert _names(tree / "file.png") == ["file.png"]


def test_pipes_and_sockets_are_passed_over(tree):
    os.mkfifo(tree / "pipe")
    assert len(_names(tree)) == 5


def test_names_that_are_no_utf8_are_written_with_escapes(tmp_path):
    raw = os.fsencode(tmp_path) + b"/caf\xe9\n.png"
    with open(raw, "wb"):  # noqa: PTH123
        pass
    (found,) = find_files(tmp_path)
    assert found.name == "caf\\xe9\\n.png"
    assert found.path.exists()
    found.name.encode("utf-8")


def test_a_folder_that_may_not_be_entered_is_reported(tree, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    lines = []
    assert _names(tree, report=lines.append) == ["a.png", "c/d/e.dcm", "index/words.npy"]
    assert lines == ["b: Permission denied"]


def test_deep_trees_are_walked(tmp_path):
    deep = tmp_path.joinpath(*["d"] * 900)
    deep.mkdir(parents=True)
    (deep / "x").write_bytes(b"")
    assert len(_names(tmp_path)) == 1


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-reordered"])
def test_a_dicomdir_names_its_files(name):
    names = _names(DICOM_TREE / name)
    assert len(names) == 31
    assert names == sorted(names)
    assert "77654033/CR1/6154" in names


def test_a_tree_with_dicomdirs_gives_each_file_once():
    lines = []
    names = _names(DICOM_TREE, report=lines.append)
    assert len(names) == len(set(names)) == 83
    assert not any("DICOMDIR" in name for name in names)


def test_a_dicomdir_reports_files_that_are_missing_in_one_line(tmp_path):
    shutil.copy(DICOM_TREE / "DICOMDIR", tmp_path / "DICOMDIR")
    lines = []
    assert _names(tmp_path, report=lines.append) == []
    (line,) = lines
    assert line.startswith("DICOMDIR: 31 of the 31 files that it names cannot be found (77654033/cr1/6154, ")


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_a_dicomdir_does_not_lead_out_of_its_folder(tmp_path):
    (tmp_path / "secret").write_bytes(b"x")
    folder = tmp_path / "disc"
    folder.mkdir()
    dataset = pydicom.dcmread(DICOM_TREE / "DICOMDIR")
    records = [record for record in dataset.DirectoryRecordSequence if "ReferencedFileID" in record]
    records[0].ReferencedFileID = ["..", "SECRET"]
    records[1].ReferencedFileID = ["..", "secret"]
    pydicom.dcmwrite(folder / "DICOMDIR", dataset)
    lines = []
    assert _names(folder / "DICOMDIR", report=lines.append) == []
    assert sum("outside" in line for line in lines) == 2


def test_a_damaged_dicomdir_is_reported(tmp_path):
    data = (DICOM_TREE / "DICOMDIR").read_bytes()
    (tmp_path / "DICOMDIR").write_bytes(data[:1200])
    (tmp_path / "a.png").write_bytes(b"")
    assert _names(tmp_path, report=lambda line: None) == ["a.png"]


def test_a_dicomdir_is_read_within_limits(tmp_path):
    write_deflated(tmp_path / "DICOMDIR", 60 << 20, sop="1.2.840.10008.1.3.10")
    (tmp_path / "a.png").write_bytes(b"")
    lines = []
    with limited(Limits(max_memory=30)):
        assert _names(tmp_path, report=lines.append) == ["a.png"]
        (line,) = lines
        assert line.startswith("DICOMDIR: the DICOMDIR cannot be read (")
        with pytest.raises(PictureError, match="DICOMDIR cannot be read"):
            _names(tmp_path / "DICOMDIR")


def test_a_pipe_that_is_called_dicomdir_is_passed_over(tmp_path):
    os.mkfifo(tmp_path / "DICOMDIR")
    assert _names(tmp_path) == []


def test_a_dicomdir_of_very_many_files_is_refused(monkeypatch):
    monkeypatch.setattr(dicomdir, "MAX_FILES", 30)
    with pytest.raises(PictureError, match="names 31 files, more than 30"):
        list(dicomdir._names(DICOM_TREE / "DICOMDIR"))


def test_a_disc_in_small_letters_is_read(tmp_path):
    shutil.copytree(DICOM_TREE / "77654033", tmp_path / "77654033")
    shutil.copy(DICOM_TREE / "DICOMDIR", tmp_path / "dicomdir")
    (tmp_path / "77654033/CR1").rename(tmp_path / "77654033/cr1")
    assert "77654033/cr1/6154" in _names(tmp_path / "dicomdir", report=lambda line: None)
