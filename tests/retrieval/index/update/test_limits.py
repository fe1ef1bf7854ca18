"""Facts about an update that meets hostile files, and processes that are killed: they cost one file each."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest
from support.bombs import BOMBS, write_bomb
from support.drawings import draw_numbered
from support.indexes import make

from retrieval.baselines import Thumbnail
from retrieval.readers.limits import Limits, limited

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def folder(tmp_path):
    return draw_numbered(tmp_path / "pictures", 10)


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_run_goes_on_and_names_each_bomb(tmp_path, folder, kinds, jobs):
    expected = {name: write_bomb(folder, name, 12)[1] for name in BOMBS}
    with make(tmp_path, kinds, Thumbnail()) as index:
        report = index.update([folder], jobs=jobs)
        refused = {name for name, text in expected.items() if isinstance(text, str)}
        assert {name for name, _ in report.skipped} == refused
        assert report.added == 10 + len(BOMBS) - len(refused)
        assert index.verify() == []


def test_limits_hold_with_one_job_and_what_met_them_is_tried_again(tmp_path, folder, kinds):
    write_bomb(folder, "zeros.mha", 100)
    with make(tmp_path, kinds, Thumbnail()) as index:
        with limited(Limits(max_seconds=0.1)):
            report = index.update([folder], jobs=1)
        ((name, reason),) = report.skipped
        # On a busy machine the time that it may take at all ends first.
        assert name == "zeros.mha" and re.search(r"more than (0\.1 s of a processor|[01]\.\d+ s)", reason)
        assert report.added == 10
        with limited(Limits(max_frames=99)):
            ((_, reason),) = index.update([folder], jobs=1).skipped
        assert "names 400 images, more than the 99 allowed; raise max_frames" in reason
        assert index.update([folder], jobs=1).added == 1
        assert len(index) == 10 + 400
        assert index.verify() == []


def test_more_is_allowed_by_the_next_update_and_what_was_refused_is_read(tmp_path, folder, kinds):
    with make(tmp_path, kinds, Thumbnail()) as index:
        with limited(Limits(max_pixels=3)):
            assert index.update([folder], jobs=1).added == 0
        assert index.update([folder], jobs=1).added == 10


def _children(process):
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


_SCRIPT = """
import sys
from pathlib import Path
from retrieval.baselines import Thumbnail
from retrieval.index.writer import IndexWriter

if __name__ == "__main__":
    with IndexWriter.create(Path(sys.argv[2])) as index:
        index.add_representation(Thumbnail())
        report = index.update([Path(sys.argv[1])], jobs=2)
        print(report.added, sorted(name for name, _ in report.skipped), index.verify())
"""


def _start(tmp_path, folder):
    (tmp_path / "run.py").write_text(_SCRIPT)
    command = [sys.executable, str(tmp_path / "run.py"), str(folder), str(tmp_path / "x")]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(command, env=paths, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("delay", [0.0, 0.5])
def test_a_worker_that_is_killed_at_any_moment_costs_one_file_at_most(tmp_path, delay):
    n = 240 + int(1500 * delay)  # so many that they are read for longer than that
    folder = draw_numbered(tmp_path / "pictures", n)
    with _start(tmp_path, folder) as run:
        parent, killed = psutil.Process(run.pid), None
        end = time.monotonic() + 60
        while killed is None and time.monotonic() < end and run.poll() is None:
            # The first child is the tracker of multiprocessing, the next ones are the workers.
            workers = [c for c in _children(parent) if "spawn_main" in " ".join(c.cmdline())]
            if workers:
                time.sleep(delay)
                # On a fast machine the update may have ended meanwhile, and its workers with it.
                with suppress(ProcessLookupError):
                    os.kill(workers[0].pid, signal.SIGKILL)
                    killed = workers[0]
        assert killed is not None
        output = run.communicate(timeout=120)[0]
    assert run.returncode == 0
    n_added, rest = output.split(" ", 1)
    names, _ = rest.rsplit("[", 1)
    assert int(n_added) + names.count(".png") == n
    assert names.count(".png") <= 1 and rest.rstrip().endswith("[]")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PR_SET_PDEATHSIG is of Linux")
def test_no_process_is_left_of_an_update_that_is_killed(tmp_path):
    folder = draw_numbered(tmp_path / "pictures", 10)
    write_bomb(folder, "zeros.nii.gz", 150)  # is read for seconds
    with _start(tmp_path, folder) as run:
        parent, found = psutil.Process(run.pid), []
        end = time.monotonic() + 60
        # Two workers, and a process that reads for each.
        while len(found) < 5 and time.monotonic() < end and run.poll() is None:
            found = _children(parent)
            time.sleep(0.02)
        assert len(found) >= 4
        run.kill()
        run.communicate()
    _, left = psutil.wait_procs(found, timeout=20)
    assert [p for p in left if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
