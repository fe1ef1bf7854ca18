"""Facts about guarded reading: whatever a file does to the process that reads it, this one goes on."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from support import hostile

from retrieval.errors import OptionError, PictureError
from retrieval.readers import DamagedFrame, LimitError, read_pictures
from retrieval.readers.guarded import guarded_items, read_guarded, read_mask_guarded
from retrieval.readers.limits import Limits, current_limits, limited
from retrieval.readers.masks import MarkedImage


def _items(items, *arguments, **limits):
    return list(guarded_items(items, Path(__file__), "x.dcm", *arguments, limits=Limits(**limits)))


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_one_process_reads_file_after_file():
    first, second = _items(hostile.number_of_process), _items(hostile.number_of_process)
    assert first == second != [os.getpid()]


@pytest.mark.parametrize(
    ("items", "arguments", "message"),
    [
        # On a busy machine the time by the clock may be over first.
        (hostile.spin, (), r"more than (0\.2 s of a processor|1.* s); raise max_seconds"),
        (hostile.sleep, (60,), r"more than 1.* s; raise max_seconds"),
        (hostile.crash, (), r"the process that read it died \(signal SIGSEGV\)"),
    ],
)
def test_a_hang_and_a_crash_cost_the_file_only(items, arguments, message):
    with pytest.raises(LimitError, match=f"^x.dcm: .*{message}"):
        _items(items, *arguments, max_seconds=0.2)
    assert _items(hostile.sleep, 0) == ["awake"]


def test_memory_is_that_of_the_declared_pixels_and_500_mb():
    assert _items(hostile.fill, 100_000_000) == [1]
    with pytest.raises(PictureError, match="more memory than it may have; raise max_memory"):
        _items(hostile.fill, 600_000_000)
    assert _items(hostile.fill, 600_000_000, 40_000_000) == [1]
    with pytest.raises(PictureError, match="more memory"):
        # Much more: what else the process gives back meanwhile may be filled as well.
        _items(hostile.fill, 400_000_000, max_memory=50)


def test_a_header_cannot_declare_memory_without_end():
    limits = Limits(max_pixels=1_000_000)
    assert limits.memory(1 << 50) == limits.memory(1 << 60) == 580_000_000


def test_what_a_library_raises_is_one_line_about_the_file():
    with pytest.raises(PictureError, match=r"^cannot be decoded: it is damaged \(ZeroDivisionError\)$"):
        _items(hostile.fail)


def test_pictures_come_as_they_are():
    given, direct = _items(hostile.pictures, 7), list(hostile.pictures(7))
    for one, other in zip(given, direct, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        assert (one.id, one.spacing, one.groups, one.metadata) == (
            other.id,
            other.spacing,
            other.groups,
            other.metadata,
        )


def test_two_files_are_read_in_turns_and_one_may_be_left():
    one = guarded_items(hostile.pictures, Path(__file__), "a", 5)
    other = guarded_items(hostile.pictures, Path(__file__), "b", 5)
    assert [(a.id, b.id) for a, b in zip(one, other, strict=True)] == [(str(i), str(i)) for i in range(5)]
    left = guarded_items(hostile.pictures, Path(__file__), "c", 50)
    assert next(left).id == "0"
    left.close()
    assert len(_items(hostile.pictures, 3)) == 3


def test_the_time_of_one_file_does_not_count_for_the_next_when_only_the_first_image_was_wanted(monkeypatch):
    # The processor's time alone: that of the clock belongs to others, too.
    monkeypatch.setattr("retrieval.readers.limits._BY_THE_CLOCK", 200)
    _items(hostile.number_of_process)  # a process that has begun
    for _ in range(3):
        # As a query that reads one slice of a volume does.
        left = guarded_items(hostile.work, Path(__file__), "x", 0.3, limits=Limits(max_seconds=0.5))
        assert next(left) == "done"
        left.close()


def test_a_process_that_was_killed_while_idle_is_replaced():
    (pid,) = _items(hostile.number_of_process)
    os.kill(pid, signal.SIGKILL)
    assert _items(hostile.number_of_process) != [pid]


def test_threads_read_at_once_and_their_processes_are_kept_for_the_next_ones():
    found: list[int] = []
    both = threading.Barrier(2)

    def read(n):
        items = guarded_items(hostile.number_of_process, Path(__file__), "x")
        found.append(next(items))
        if n == 2:
            both.wait(60)
        items.close()

    for n in (2, 1):
        threads = [threading.Thread(target=read, args=(n,)) for _ in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({*found[:2], os.getpid()}) == 3
    assert found[2] in found[:2]


_SCRIPT = """
import sys
from pathlib import Path
from support import hostile
from retrieval.readers.guarded import guarded_items
list(guarded_items(hostile.spin, Path(sys.argv[1]), "x", Path(sys.argv[2])))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PR_SET_PDEATHSIG is of Linux")
def test_the_process_ends_when_its_parent_is_killed(tmp_path):
    mark = tmp_path / "pid"
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", _SCRIPT, __file__, str(mark)], env=paths) as parent:
        assert _until(lambda: mark.exists() and mark.read_text(), 60)
        child = int(mark.read_text())
        assert _alive(child)
        parent.kill()
    assert _until(lambda: not _alive(child))


def test_files_are_read_as_without_a_process(tmp_path):
    path, frames = tmp_path / "a.tif", np.random.default_rng(0).integers(0, 256, (9, 12, 16), dtype=np.uint8)
    tifffile.imwrite(path, frames, photometric="minisblack", compression="zlib")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        start = file.pages[4].dataoffsets[0]
    data[start : start + 20] = bytes(20)
    path.write_bytes(data)
    reports: tuple[list[DamagedFrame], list[DamagedFrame]] = ([], [])
    given = list(read_guarded(path, "a.tif", report=reports[0].append))
    direct = list(read_pictures(path, "a.tif", report=reports[1].append))
    assert [p.id for p in given] == [p.id for p in direct] and len(given) == 8
    assert reports[0] == reports[1] and reports[0][0].number == 4
    with pytest.raises(PictureError, match=r"^a.tif#4: "):
        list(read_guarded(path, "a.tif", frames=[4]))


def test_a_mask_is_read_in_a_process_too(tmp_path):
    marked = np.zeros((12, 16), np.uint8)
    marked[3:5] = 255
    tifffile.imwrite(tmp_path / "m.tif", marked)
    image = MarkedImage((12, 16), path=lambda: None)  # a function that cannot be sent
    np.testing.assert_array_equal(read_mask_guarded(tmp_path / "m.tif", image), marked > 0)
    with pytest.raises(PictureError, match=r"m\.tif#0: 12 × 16 pixels are more than the 100 allowed"):
        read_mask_guarded(tmp_path / "m.tif", image, Limits(max_pixels=100))


def test_limits_are_in_force_within_a_block():
    with limited(Limits(max_frames=3)):
        assert current_limits().max_frames == 3
    assert current_limits() == Limits()
    for wrong in ({"max_seconds": 0}, {"max_memory": -1}, {"max_pixels": 0}, {"max_seconds": float("nan")}):
        with pytest.raises(OptionError, match="is not above 0"):
            Limits(**wrong)


def test_more_time_is_given_for_what_a_file_holds_and_gives():
    limits = Limits()
    assert limits.seconds(0, 0) == 10
    assert limits.seconds(3_000_000, 2_000_000) == 15
    assert limits.clock_seconds(0, 0) == 50
    assert Limits(max_seconds=2).seconds(3_000_000, 0) == 2


def test_paths_are_relative_to_the_folder_of_who_asks(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        tifffile.imwrite(tmp_path / name / "x.tif", np.full((4, 5 + len(name)), 9, np.uint8))
        monkeypatch.chdir(tmp_path / name)
        (picture,) = read_guarded(Path("x.tif"), "x.tif")
        assert picture.shape[:2] == (4, 6)
