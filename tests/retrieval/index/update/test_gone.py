"""Facts about files that are gone: a mount that shrank is not forgotten silently."""

import shutil
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from support.dicom_files import texture, write_dicom
from support.drawings import draw_grey, draw_numbered
from support.indexes import counts, index_thumbnails

from cli.main import main
from retrieval.errors import IndexFolderError, SettingError
from retrieval.index.update import renamed
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def folder(tmp_path):
    return draw_numbered(tmp_path / "images", 20)


@pytest.fixture
def index(tmp_path, folder):
    with IndexWriter.open(index_thumbnails(tmp_path / "index", folder)) as index:
        yield index


def take(folder, numbers):
    for number in numbers:
        (folder / f"{number}.png").unlink()


def test_a_large_share_is_forgotten_only_if_that_is_said(index, folder):
    take(folder, range(15))
    with pytest.raises(IndexFolderError, match=r"15 of 20 indexed files are gone; mount .* --forget"):
        index.update([folder], jobs=1)
    assert len(index) == 20
    assert counts(index.update([folder], jobs=1, forget=True)) == (0, 0, 15, 5)
    assert len(index) == 5


def test_texts_beside_images_neither_hide_what_is_gone_nor_count_themselves(index, folder):
    for number in range(100):
        (folder / f"{number}.txt").write_text(f"note {number}")
    index.update([folder], jobs=1)
    take(folder, range(15))
    # Nor do others that came meanwhile: they are none of those under another name.
    for number in range(100, 120):
        (folder / f"{number}.txt").write_text(f"another {number}")
    with pytest.raises(IndexFolderError, match="15 of 20 indexed files are gone"):
        index.update([folder], jobs=1)
    for number in range(15):
        draw_grey(folder / f"{number}.png", number)
    for path in folder.glob("*.txt"):
        path.unlink()
    index.update([folder], jobs=1)
    assert len(index) == 20


def test_a_small_share_and_a_few_files_are_forgotten(index, folder):
    take(folder, range(6))
    assert counts(index.update([folder], jobs=1)) == (0, 0, 6, 14)
    take(folder, range(6, 13))
    assert counts(index.update([folder], jobs=1)) == (0, 0, 7, 7)


def test_what_was_renamed_within_the_folder_is_not_gone(index, folder):
    for number in range(15):
        (folder / f"{number}.png").rename(folder / f"new{number}.png")
    assert counts(index.update([folder], jobs=1)) == (15, 0, 15, 5)


def test_what_is_removed_twice_was_removed(index, folder, tmp_path, capsys):
    assert index.remove(["1.png", "2.png"]) == 2
    assert index.remove(["1.png", "3.png"]) == 1
    assert index.remove(["1.png"]) == 0
    with pytest.raises(SettingError, match=r"not in this index: misspelt\.png; nothing was removed"):
        index.remove(["1.png", "misspelt.png"])
    index.close()
    assert main(["remove", str(tmp_path / "index"), "1.png"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'index'}: 0 removed (all of it was before), 17 left\n"


@pytest.mark.parametrize("is_folder", [False, True])
def test_what_was_removed_stays_out_under_another_name(index, folder, is_folder):
    (folder / "sub").mkdir()
    draw_grey(folder / "sub" / "x.png", 99)
    index.update([folder], jobs=1)
    index.remove(["sub/x.png"])
    (folder / "sub").rename(folder / "other") if is_folder else (folder / "sub" / "x.png").rename(
        folder / "y.png"
    )
    name = "other/x.png" if is_folder else "y.png"
    for _ in range(2):
        report = index.update([folder], jobs=1)
        assert counts(report) == (0, 0, 0, 20)
        assert report.withdrawn == (name,)
    assert name not in index and index.remove([name]) == 0
    # Another image under that name is another one, and a copy of an image that stayed is none that went.
    draw_grey(folder / name, 100)
    (folder / "copy.png").write_bytes((folder / "3.png").read_bytes())
    assert counts(index.update([folder], jobs=1)) == (1, 1, 0, 20)


def test_a_copy_beside_a_removed_file_is_an_image_of_its_own(index, folder):
    index.remove(["3.png"])
    (folder / "copy.png").write_bytes((folder / "3.png").read_bytes())
    assert counts(index.update([folder], jobs=1)) == (1, 0, 0, 19)


@pytest.mark.parametrize("names", [("a.png", "z.png"), ("z.png", "a.png")])
def test_the_copy_that_stayed_goes_on_in_the_index_when_both_move(index, folder, names):
    """Of two equal files one was removed, such as a duplicate: the other is no removed file."""
    stayed, removed = names
    (folder / "sub").mkdir()
    for name in names:
        draw_grey(folder / "sub" / name, 99)
    index.update([folder], jobs=1)
    index.remove([f"sub/{removed}"])
    (folder / "sub").rename(folder / "other")
    report = index.update([folder], jobs=1)
    assert (counts(report), report.withdrawn) == ((1, 0, 1, 20), (f"other/{removed}",))
    assert f"other/{stayed}" in index
    # Also where the removed one was deleted, and the other has a new name.
    (folder / "other" / removed).unlink()
    (folder / "other" / stayed).rename(folder / "new.png")
    assert counts(index.update([folder], jobs=1)) == (1, 0, 2, 20)
    assert "new.png" in index


def test_a_new_file_is_read_once_however_many_of_its_size_were_removed(index, folder, monkeypatch):
    (folder / "sub").mkdir()
    for number in range(5):
        (folder / "sub" / f"{number}.bmp").write_bytes(bmp(number))
    index.update([folder], jobs=1)
    assert index.remove(["sub/"]) == 5
    shutil.rmtree(folder / "sub")
    asked = []
    monkeypatch.setattr(renamed, "part_at", lambda path, salt: asked.append(path))
    for number in range(5, 9):
        (folder / f"{number}.bmp").write_bytes(bmp(number))
    assert counts(index.update([folder], jobs=1, forget=True))[:3] == (4, 0, 5)
    assert sorted(path.name for path in asked) == [f"{number}.bmp" for number in range(5, 9)]


def bmp(number):
    """Return a file of an image; all are of one size."""
    buffer = BytesIO()
    Image.fromarray(np.full((32, 32), 9 * number, np.uint8)).save(buffer, "BMP")
    return buffer.getvalue()


@pytest.fixture
def frames(index, folder):
    """A file of four frames of which two were removed."""
    write_dicom(folder / "m.dcm", texture(3, (4, 24, 24)), uid="1.2.3", NumberOfFrames=4)
    index.update([folder], jobs=1)
    index.remove(["m.dcm#1", "m.dcm#3"])
    return folder / "m.dcm"


def test_frames_that_were_removed_stay_out_under_another_name(index, folder, frames):
    frames.rename(folder / "n.dcm")
    assert counts(index.update([folder], jobs=1)) == (1, 0, 1, 20)
    assert [name for name in index.names if "dcm" in name] == ["n.dcm#0", "n.dcm#2"]
    assert index.remove(["n.dcm#3"]) == 0


def test_frames_that_were_removed_stay_out_when_text_is_looked_for(index, folder, frames):
    index.require_privacy(burned_in="off")  # so that files are read again in which nobody has looked for text
    index.update([folder], jobs=1)
    assert [name for name in index.names if "dcm" in name] == ["m.dcm#0", "m.dcm#2"]


def test_frames_that_were_removed_come_back_with_a_file_that_changed(index, folder, frames):
    write_dicom(frames, texture(4, (4, 24, 24)), uid="1.2.3", NumberOfFrames=4)
    assert counts(index.update([folder], jobs=1)) == (0, 1, 0, 20)
    assert [name for name in index.names if "dcm" in name] == [f"m.dcm#{n}" for n in range(4)]


def test_a_file_of_another_folder_never_gets_the_name_of_a_removed_one(index, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "more")
    index.remove(["1.png", "2.png"])
    table = LabelTable.of({"1.png": "x", "more/2.png": "y", "3.png": "z"})
    index.update([tmp_path / "more"], jobs=1, labels=table)
    assert "1.png" not in index
    # The label is that of the file in the folder that was indexed with the table.
    assert [index.picture(f"more/{n}.png").labels for n in (1, 2, 3)] == [("x",), ("y",), ("z",)]
    assert index.remove(["more/1.png"]) == 1 and index.remove(["more/"]) == 19
    assert len(index) == 18


def test_a_folder_that_is_removed_twice_was_removed(index, folder):
    (folder / "sub").mkdir()
    draw_grey(folder / "sub" / "x.png", 99)
    index.update([folder], jobs=1)
    assert index.remove(["sub/"]) == 1
    assert index.remove(["sub/"]) == 0
    with pytest.raises(SettingError, match="not in this index: other/"):
        index.remove(["other/"])
    assert index.leftovers(["sub/x.png"]) != []
    index.compact()
    assert index.leftovers(["sub/x.png"]) == []


def test_an_index_that_learns_again_and_is_interrupted_is_whole(tmp_path, folder, kinds, monkeypatch):
    factories = {"mean": kinds.Mean}
    with IndexWriter.create(tmp_path / "other", factories=factories) as other:
        other.add_representation(kinds.Mean())
        other.update([folder], jobs=1)
        # What comes out as it was would not be encoded again.
        monkeypatch.setattr(kinds.Mean, "drift", 0.25)
        for stage in ("learn mean", "read"):
            with pytest.raises(KeyboardInterrupt):
                other.update([folder], jobs=1, refit=True, progress=interrupting(stage))
            assert other.verify() == []
            assert len(other.query("3.png")) == 10


def interrupting(stage):
    """Return a progress that interrupts in a stage."""

    def progress(now, done, total):
        if now == stage and done:
            raise KeyboardInterrupt

    return progress


def test_a_file_beyond_a_link_is_read_if_that_is_wanted_and_then_stays(index, folder, tmp_path):
    (tmp_path / "far").mkdir()
    draw_grey(tmp_path / "far" / "x.png", 99)
    (folder / "far").symlink_to(tmp_path / "far")
    report = index.update([folder], jobs=1)
    assert counts(report) == (0, 0, 0, 20)
    assert [name for name, _ in report.skipped] == ["far"]
    assert counts(index.update([folder], jobs=1, follow_links=True)) == (1, 0, 0, 20)
    assert counts(index.update([folder], jobs=1))[2] == 0
    assert "far/x.png" in index
