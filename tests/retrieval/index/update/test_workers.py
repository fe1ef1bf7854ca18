"""Facts about the workers of an update: many processes, those that die, Ctrl-C."""

import signal
from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.drawings import draw_grey as draw
from support.drawings import draw_numbered
from support.indexes import answers, make

from retrieval.baselines import Thumbnail
from retrieval.errors import SemblanceError
from retrieval.index.update.worker_process import start_worker_process
from retrieval.readers.limits import limited

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def folder(tmp_path):
    return draw_numbered(tmp_path / "pictures", 10)


def test_many_processes_give_what_one_gives(tmp_path, folder, kinds):
    with make(tmp_path, kinds, kinds.Mean(), name="one") as one:
        one.update([folder], jobs=1)
        with make(tmp_path, kinds, kinds.Mean(), name="two") as two:
            assert two.update([folder], jobs=2).added == 10
            assert two.info()["representations"][0]["recipe"] == one.info()["representations"][0]["recipe"]
            assert answers(two) == answers(one)
            assert two.verify() == []


def test_a_worker_that_dies_costs_its_own_file_only(tmp_path, folder, kinds):
    draw(folder / "killer.png", 50)
    draw(folder / "stumble.png", 51)
    with make(tmp_path, kinds, kinds.Fragile()) as index:
        report = index.update([folder], jobs=2)
        assert report.added == 10
        assert dict(report.skipped) == {
            "killer.png": "the process that read it died (exit code 7)",
            "stumble.png": "internal error, please report it (ZeroDivisionError)",
        }
        assert index.verify() == []


@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="the system has no such limit")
def test_an_image_that_takes_too_long_to_encode_costs_its_own_file_only(tmp_path, folder, kinds):
    draw(folder / "endless.png", 50)
    with make(tmp_path, kinds, kinds.Slow()) as index, limited(kinds.Short()):
        report = index.update([folder], jobs=2)
        assert report.added == 10
        assert dict(report.skipped) == {
            "endless.png": "encoding an image of it took too long; raise max_seconds if it is sound"
        }
        assert index.verify() == []


def test_workers_that_cannot_start_are_an_error_with_a_remedy(tmp_path, folder, kinds, monkeypatch):
    with make(tmp_path, kinds, kinds.Fragile()) as index:
        # Worker processes get a fresh environment and end where they make the representation.
        monkeypatch.setenv("START_BADLY", "1")
        with pytest.raises(SemblanceError, match=r"worker process ended before it began \(exit code 3\)"):
            index.update([folder], jobs=2)
        assert len(index) == 0


def test_a_damaged_frame_is_named_now_and_later_and_costs_no_other(tmp_path, folder, kinds):
    frames = np.random.default_rng(0).integers(0, 256, (150, 12, 16), dtype=np.uint8)
    tifffile.imwrite(folder / "stack.tif", frames, photometric="minisblack", compression="zlib")
    data = bytearray((folder / "stack.tif").read_bytes())
    with tifffile.TiffFile(folder / "stack.tif") as file:
        start = file.pages[140].dataoffsets[0]
    data[start : start + 20] = bytes(20)
    (folder / "stack.tif").write_bytes(data)
    with make(tmp_path, kinds, Thumbnail()) as index:
        report = index.update([folder], jobs=1)
        assert report.added == 11
        ((name, reason),) = report.skipped
        assert name == "stack.tif"
        assert reason.startswith("frame #140 cannot be read, the others are: ")
        assert len(index) == 10 + 149
        assert "stack.tif#140" not in index
        assert index.verify() == []
        assert index.update([folder], jobs=1).skipped == report.skipped


def test_evidence_is_kept_for_each_picture(tmp_path, folder, kinds):
    with make(tmp_path, kinds, kinds.Mean()) as index:
        index.update([folder], jobs=1)
        wanted = {
            n: kinds.Mean.encode(index.representation("mean"), index.read(n)).evidence for n in index.names
        }
        index.remove(["4.png"])
        for _ in range(2):
            for name in index.names:
                np.testing.assert_array_equal(index.evidence(name, "mean"), wanted[name])
            index.compact()


@pytest.mark.parametrize("jobs", [1, 2])
def test_after_an_interrupt_the_next_update_goes_on(tmp_path, folder, kinds, jobs):
    def interrupt(stage, done, total):
        if stage == "read" and done == 4:
            raise KeyboardInterrupt

    with make(tmp_path, kinds, kinds.Mean()) as index:
        with pytest.raises(KeyboardInterrupt):
            index.update([folder], jobs=jobs, progress=interrupt)
        assert len(index) == 4
        assert index.update([folder], jobs=jobs).pictures == 6
        assert index.verify() == []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks the kernel what a process blocks")
def test_a_ctrl_c_cannot_hit_a_worker_that_is_still_starting():
    worker = start_worker_process()
    try:
        lines = Path(f"/proc/{worker.process.pid}/status").read_text().splitlines()
        blocked = next(int(line.split()[1], 16) for line in lines if line.startswith("SigBlk"))
        assert blocked & 1 << (signal.SIGINT - 1)
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        worker.stop()
        worker.process.join()
