"""Dask: the workers of a cluster make the index that one process makes, whichever of them die."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
from dataclasses import dataclass

import numpy as np
import pydicom
import pytest
from support.series import write_series
from support.slides import tissue_image, write_slide

from cli.main import main
from retrieval.baselines import Thumbnail
from retrieval.errors import OptionError, SemblanceError
from retrieval.index import Index
from retrieval.index.update import slide_bands, transaction
from retrieval.index.update.workers import executor_on
from retrieval.index.writer import IndexWriter
from retrieval.readers.tiling import Tiling

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
dask_executor = pytest.importorskip("scale.dask_executor")
dask_client = pytest.importorskip("scale.dask_client")
DaskExecutor = dask_executor.DaskExecutor


@dataclass(frozen=True)
class Deadly(Thumbnail):
    """Thumbnails, by a process that dies of an image that is as bright as can be."""

    def encode(self, picture, region=None):
        if picture.grey.min() > 0.99:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(picture, region)


@pytest.fixture(autouse=True)
def no_commits_by_the_clock(monkeypatch):
    """Let no commit be due by the clock: it divides the same arrays otherwise.

    Dask may ask a dead worker for its results for half a minute, and a busy machine is slow.
    """
    monkeypatch.setattr(transaction, "_MOST_SECONDS", 600.0)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Write two series."""
    folder = tmp_path_factory.mktemp("dask") / "scans"
    for patient in range(2):
        write_series(folder / f"p{patient}", patient, n=8)
    return folder


@pytest.fixture(scope="module")
def cluster():
    """Start a cluster of two workers, in processes, on this machine."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            "127.0.0.1",
            n_workers=2,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            silence_logs=60,
        ) as started,
    ):
        yield started


@pytest.fixture
def quick_executor(cluster):
    """Return an executor on that cluster once it has both workers: a test before may have ended one."""
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
    executor = DaskExecutor(cluster.scheduler_address)
    yield executor
    executor.close()


def indexed(place, folder, jobs, *, by=None, factories=None):
    """Index a folder and return the report."""
    with IndexWriter.create(place, factories=factories or {}) as index:
        index.add_representation(by or Thumbnail())
        return index.update([folder], jobs=jobs)


def contents(place, by="thumbnail"):
    """Return all that an index holds of its images: names, vectors and thumbnails."""
    with Index.open(place) as index:
        return [
            (name, np.asarray(index.vector(name, by)).tobytes(), index.thumbnail(name))
            for name in index.names
        ]


def arrays(place):
    """Return every array of an index, whatever the random names of its folders."""
    return sorted((path.name, path.read_bytes()) for path in (place / "segments").rglob("*.npy"))


def test_a_cluster_makes_the_index_of_one_process(scans, tmp_path, quick_executor, quick):
    report = indexed(tmp_path / "one", scans, 1)
    assert indexed(tmp_path / "many", scans, quick_executor) == report
    assert arrays(tmp_path / "many") == arrays(tmp_path / "one")
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


def test_workers_of_a_cluster_encode_no_file_whose_header_alone_changed(
    scans, tmp_path, quick_executor, quick
):
    shutil.copytree(scans, tmp_path / "scans")
    indexed(tmp_path / "i", tmp_path / "scans", quick_executor)
    before = arrays(tmp_path / "i")
    for path in (tmp_path / "scans" / "p0").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PatientID = "another"
        dataset.save_as(path)
    with IndexWriter.open(tmp_path / "i") as index:
        report = index.update([tmp_path / "scans"], jobs=quick_executor)
        assert (report.changed, report.pictures) == (8, 0)
        assert len({one.groups["patient"] for one in index.pictures()}) == 2
    assert arrays(tmp_path / "i") == before


def test_a_worker_that_is_killed_costs_nothing(scans, tmp_path, quick_executor, quick):
    indexed(tmp_path / "one", scans, 1)
    pids = list(quick_executor._connected().run(os.getpid).values())
    killer = threading.Timer(0.1, os.kill, (pids[0], signal.SIGKILL))
    killer.start()
    assert indexed(tmp_path / "many", scans, quick_executor).pictures == 16
    killer.join()
    assert arrays(tmp_path / "many") == arrays(tmp_path / "one")


def test_a_slide_is_read_by_several_workers_and_becomes_the_same(
    tmp_path, quick_executor, quick, monkeypatch
):
    monkeypatch.setattr(slide_bands, "SMALL_FILE", 0)
    write_slide(tmp_path / "s.tif", tissue_image(400, 500))
    for name, size, jobs in (("one", 1000, 1), ("many", 16, quick_executor)):
        monkeypatch.setattr(slide_bands, "TILES_PER_BAND", size)
        with IndexWriter.create(tmp_path / name) as index:
            index.add_representation(Thumbnail())
            index.require_tiling(Tiling((1.0,), 32))
            index.update([tmp_path / "s.tif"], jobs=jobs)
            assert len(index) > 20
    assert arrays(tmp_path / "many") == arrays(tmp_path / "one")


def test_a_file_that_kills_its_workers_is_named_and_its_neighbours_are_not(tmp_path, quick_executor, quick):
    import cv2

    for number in range(9):
        level = 255 if number == 4 else 20 * number
        image = np.full((40, 40), level, np.uint8)
        image[0, 0] = level if number == 4 else 255
        (tmp_path / "scans").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "scans" / f"{number}.png"), image)
    report = indexed(
        tmp_path / "i", tmp_path / "scans", quick_executor, by=Deadly(), factories={"thumbnail": Deadly}
    )
    assert report.skipped == (("4.png", "the workers that read it died (3 times)"),)
    assert report.pictures == 8


def test_a_cluster_with_certificates_is_not_asked_without_any(scans, tmp_path):
    executor = DaskExecutor("tls://127.0.0.1:9")
    with pytest.raises(SemblanceError, match=r"no certificates are .*; start its scheduler, and give certi"):
        indexed(tmp_path / "i", scans, executor)


def test_a_worker_of_another_version_is_refused(scans, tmp_path, quick_executor, monkeypatch):
    monkeypatch.setattr(dask_executor, "versions", lambda: "semblance 9.9")
    with pytest.raises(
        SemblanceError, match=r"a worker has Python .*, and this machine semblance 9.9; install"
    ):
        indexed(tmp_path / "i", scans, quick_executor)


def test_a_worker_that_cannot_load_semblance_is_named_and_lives_on(
    scans, tmp_path, quick_executor, cluster, monkeypatch
):
    only_here = types.ModuleType("only_here")
    exec("def versions(): return 'ours'", only_here.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", only_here)
    monkeypatch.setattr(dask_client, "versions", only_here.versions)
    workers = list(cluster.scheduler.workers)
    with pytest.raises(
        SemblanceError, match=r"the worker tcp:.* cannot load Semblance \(.*only_here.*; install the same"
    ):
        indexed(tmp_path / "i", scans, quick_executor)
    assert list(cluster.scheduler.workers) == workers
    monkeypatch.undo()
    assert indexed(tmp_path / "i2", scans, quick_executor).pictures == 16


def test_a_scheduler_that_cannot_load_semblance_is_named():
    class Client:
        """A cluster of which one worker has just died."""

        def run(self, function, on_error):
            return {"tcp://a": function(), "tcp://b": OSError("closed")}

        def run_on_scheduler(self, function):
            raise ModuleNotFoundError("No module named 'scale'")

    with pytest.raises(SemblanceError, match=r"the scheduler cannot load Semblance \(No module named"):
        dask_client.require_semblance(Client())


def test_a_cluster_of_this_machine_that_does_not_start_is_no_address(scans, tmp_path, monkeypatch):
    def fail(n):
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(dask_executor, "local_cluster", fail)
    with pytest.raises(SemblanceError, match=r"no cluster starts on this machine \(Nanny .*without --on"):
        indexed(tmp_path / "i", scans, DaskExecutor())


_ALONE = """
import distributed, os, sys, time
if __name__ == "__main__":
    cluster = distributed.LocalCluster("127.0.0.1", n_workers=1, threads_per_worker=1, dashboard_address=":0",
        worker_dashboard_address=":0", silence_logs=60)
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("n_tasks", [0, 5])
def test_a_scheduler_that_is_killed_is_said_in_one_line(scans, tmp_path, quick, caplog, monkeypatch, n_tasks):
    script = tmp_path / "cluster.py"
    script.write_text(_ALONE)
    path = os.pathsep.join(map(str, sys.path))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(
        [sys.executable, script], env={**os.environ, "PYTHONPATH": path}, **pipes
    ) as process:
        executor = DaskExecutor(process.stdout.readline().strip())
        send, sent = executor._send, []

        def send_and_kill(client, run, task):
            future = send(client, run, task)
            sent.append(task)
            if len(sent) == n_tasks:
                process.kill()
            return future

        executor._send = send_and_kill
        try:
            if n_tasks == 0:
                with monkeypatch.context() as patch:
                    patch.setattr(dask_executor, "_WAIT", 10.0)
                    executor._connected()
                process.kill()
                process.wait(20)
            with pytest.raises(SemblanceError, match=r"^the cluster is gone; run the same command"):
                indexed(tmp_path / "i", scans, executor)
        finally:
            executor.close()
    assert not [record for record in caplog.records if record.name == "distributed.client"]
    with IndexWriter.open(tmp_path / "i") as index:
        assert index.update([scans], jobs=1).skipped == ()
        assert len(index.names) == 16


def test_a_path_that_means_something_else_to_a_worker_is_named(scans, tmp_path, quick_executor, monkeypatch):
    monkeypatch.setattr(dask_executor, "size_of", lambda task: 7)
    with pytest.raises(
        SemblanceError, match=r"dcm: a worker sees [\d,]+ bytes there, and this machine 7 bytes; mount"
    ):
        indexed(tmp_path / "i", scans, quick_executor)


def test_the_window_bounds_what_is_in_the_cluster(scans, tmp_path, quick_executor, monkeypatch, quick):
    seen = []
    send = quick_executor._send

    def counted(client, run, task):
        seen.append(len(run.futures))
        return send(client, run, task)

    monkeypatch.setattr(quick_executor, "_send", counted)
    indexed(tmp_path / "i", scans, quick_executor)
    assert len(seen) == 16
    assert max(seen) < 8  # four for each of two threads, this one included


@pytest.mark.parametrize(
    ("on", "problem"),
    [
        ("dask:tcp://10.0.0.1:8786", "is not encrypted"),
        ("dask:http://node:80", "is no address; write dask:tls://HOST:PORT"),
        ("dask:tls://node", "is no address"),
        ("ray", "'ray' is not installed; one of dask"),
    ],
)
def test_what_would_let_strangers_run_code_is_refused(on, problem):
    with pytest.raises(OptionError, match=problem):
        executor_on(on, None)
    with pytest.raises(OptionError, match="the cluster has workers of its own"):
        executor_on("dask:tls://node:8786", 2)


def test_a_cluster_that_is_not_there_is_named(scans, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_executor, "_WAIT", 0.5)
    with pytest.raises(
        SemblanceError, match=r"dask:tcp://127\.0\.0\.1:9: the cluster cannot .*\); start its scheduler$"
    ):
        indexed(tmp_path / "i", scans, DaskExecutor("tcp://127.0.0.1:9"))


def test_the_command_starts_a_cluster_of_its_own_and_ends_it(scans, tmp_path, capsys):
    place = tmp_path / "i"
    words = [
        "index",
        str(scans),
        "-o",
        str(place),
        "--by",
        "thumbnail",
        "--on",
        "dask",
        "--jobs",
        "1",
        "--quiet",
    ]
    assert main(words) == 0
    assert "16 images" in capsys.readouterr().out
    indexed(tmp_path / "one", scans, 1)
    assert arrays(place) == arrays(tmp_path / "one")


@pytest.mark.soak
@pytest.mark.parametrize("n_workers", [1, 2, 8])
def test_workers_killed_at_fifty_instants_leave_the_same_index(scans, tmp_path, quick, n_workers):
    indexed(tmp_path / "one", scans, 1)
    executor = DaskExecutor("", n_workers)
    for instant in range(50):
        pids = list(executor._connected().run(os.getpid).values())
        killer = threading.Timer(0.02 * instant, os.kill, (pids[instant % len(pids)], signal.SIGKILL))
        killer.start()
        indexed(tmp_path / f"{instant}", scans, executor)
        killer.join()
        assert arrays(tmp_path / f"{instant}") == arrays(tmp_path / "one")
    executor.close()


@pytest.mark.soak
def test_ctrl_c_ends_the_command_and_its_cluster(tmp_path):
    for patient in range(40):
        write_series(tmp_path / "scans" / f"p{patient}", patient, n=20)
    code = "import sys; from cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = ["index", str(tmp_path / "scans"), "-o", str(tmp_path / "i"), "--by", "thumbnail", "--on", "dask"]
    # A session of its own, so that a signal to the group reaches the cluster too, as of a terminal.
    process = subprocess.Popen([sys.executable, "-c", code, *words], start_new_session=True)
    while not (tmp_path / "i").exists() and process.poll() is None:
        time.sleep(0.1)
    time.sleep(5)  # the cluster starts, and has not done all images yet
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) != 0
    with pytest.raises(ProcessLookupError):
        for _ in range(100):  # what has ended is there until the system takes it away
            os.killpg(process.pid, 0)
            time.sleep(0.2)
    assert main([*words[:-2], "--quiet"]) == 0
