"""The spool: on the disk before it is acknowledged, each image once, and shown when nothing more comes."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess

import pytest

from pacs.spool import INCOMING, Spool, series_folders
from retrieval.errors import ArchiveError
from retrieval.readers.archive import SeriesKey

KEY, OTHER = SeriesKey("1.1", "1.1.1"), SeriesKey("1.1", "1.1.2")


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def spool(tmp_path, clock):
    made = Spool(tmp_path / "spool", clock)
    yield made
    made.close()


def files(folder):
    """Return what is in a spool, by paths within it; its lock is no file of it."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_an_image_waits_and_is_shown_when_its_series_is_stable(spool, clock):
    assert spool.add(KEY, "1.2.3", [b"head", memoryview(b"body")])
    assert files(spool.folder) == {f"{INCOMING}/1.1/1.1.1/1.2.3.dcm": b"headbody"}
    clock.now += 9
    assert spool.settle(10) == 0
    spool.add(KEY, "1.2.4", [b"x"])
    clock.now += 9
    assert spool.settle(10) == 0  # another came meanwhile
    clock.now += 1
    assert spool.settle(10) == 1
    assert files(spool.folder) == {"1.1/1.1.1/1.2.3.dcm": b"headbody", "1.1/1.1.1/1.2.4.dcm": b"x"}
    assert [key for key, _ in series_folders(spool.folder)] == [KEY]
    assert spool.settle(10) == 0


def test_what_comes_later_to_a_series_is_shown_with_it(spool, clock):
    spool.add(KEY, "1.2.3", [b"a"])
    spool.settle(0)
    spool.add(KEY, "1.2.4", [b"b"])
    spool.add(OTHER, "1.2.5", [b"c"])
    assert spool.settle(0) == 2
    assert set(files(spool.folder)) == {"1.1/1.1.1/1.2.3.dcm", "1.1/1.1.1/1.2.4.dcm", "1.1/1.1.2/1.2.5.dcm"}


@pytest.mark.parametrize("is_shown", [False, True])
@pytest.mark.parametrize("series", [KEY, OTHER])
def test_a_uid_is_kept_once_whatever_its_series(spool, is_shown, series):
    spool.add(KEY, "1.2.3", [b"first"])
    if is_shown:
        spool.settle(0)
    before = files(spool.folder)
    assert not spool.add(series, "1.2.3", [b"second"])
    assert files(spool.folder) == before


def test_a_study_that_was_deleted_may_come_again(spool):
    spool.add(KEY, "1.2.3", [b"first"])
    spool.settle(0)
    (spool.folder / "1.1" / "1.1.1" / "1.2.3.dcm").unlink()
    assert spool.add(KEY, "1.2.3", [b"again"])


def test_the_next_start_goes_on(tmp_path, clock):
    first = Spool(tmp_path, clock)
    first.add(KEY, "1.2.3", [b"a"])
    first.settle(0)
    first.add(KEY, "1.2.4", [b"b"])
    (tmp_path / INCOMING / ".part-0123").write_bytes(b"half")
    first.close()
    again = Spool(tmp_path, clock)
    assert "half" not in str(files(tmp_path))
    assert not again.add(OTHER, "1.2.3", [b"x"])
    assert not again.add(OTHER, "1.2.4", [b"x"])
    assert again.settle(1) == 0  # more of it may be under way
    clock.now += 1
    assert again.settle(1) == 1
    again.close()


def test_two_receivers_have_two_spools(spool):
    with pytest.raises(ArchiveError, match="another receiver writes here"):
        Spool(spool.folder)


def test_a_file_is_no_spool(tmp_path):
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(ArchiveError, match="cannot be a spool"):
        Spool(tmp_path / "f")


@pytest.mark.parametrize("call", [1, 2, 3])
def test_what_cannot_be_synced_is_not_kept(spool, monkeypatch, call):
    """The folders of a first image are synced too: a failure at any of them is a failure."""
    n = iter(range(1, 99))

    def fsync(descriptor):
        if next(n) == call:
            raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(OSError, match="no"):
            spool.add(KEY, "1.2.3", [b"a"])
    assert spool.add(KEY, "1.2.3", [b"a"])
    assert list(files(spool.folder)) == [f"{INCOMING}/1.1/1.1.1/1.2.3.dcm"]


def test_others_cannot_read_it(spool):
    spool.add(KEY, "1.2.3", [b"a"])
    spool.settle(0)
    modes = [path.stat().st_mode & 0o077 for path in spool.folder.rglob("*")]
    assert modes
    assert set(modes) == {0}


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)], check=False)
    if done.returncode:
        pytest.skip("needs the rights to mount a disk (run as root)")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_full_leaves_nothing_half(small_disk):
    spool = Spool(small_disk / "spool")
    kept = []
    with pytest.raises(OSError, match="No space left"):
        for i in range(99):
            spool.add(KEY, f"1.2.{i}", [b"x" * 10_000])
            kept.append(i)
    assert 1 <= len(kept) <= 6
    held = files(spool.folder)
    assert len(held) == len(kept)
    assert {len(content) for content in held.values()} == {10_000}
    spool.close()


def test_a_series_that_cannot_be_shown_waits_and_all_others_are_shown(spool):
    for number, key in enumerate((KEY, SeriesKey("1.9", "1.9.1"), SeriesKey("1.2", "1.2.1"))):
        spool.add(key, f"1.2.{number}", [b"x"])
    shutil.rmtree(spool.folder / INCOMING / "1.1")  # a user deletes what waits
    (spool.folder / "1.9").write_bytes(b"in its place")
    with pytest.raises(OSError, match="exists"):
        spool.settle(0)
    assert [key.study for key, _ in series_folders(spool.folder)] == ["1.2"]
    (spool.folder / "1.9").unlink()
    assert spool.settle(0) == 1
    assert [key.study for key, _ in series_folders(spool.folder)] == ["1.2", "1.9"]
