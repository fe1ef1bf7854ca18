"""A slide is read by several workers at once, and becomes what it becomes by one, to the last bit."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import psutil
import pytest
import tifffile
from support import stand_ins
from support.indexes import make
from support.slides import tissue_image, write_slide

from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.index import Index
from retrieval.index.update import slide_bands
from retrieval.index.update.workers import ProcessExecutor
from retrieval.index.writer import IndexWriter
from retrieval.readers.tiling import Tiling

pytestmark = pytest.mark.usefixtures("quick", "bands")
TILING = Tiling((1.0, 2.0), 32)
WHOLE = 1 << 20


@pytest.fixture
def bands(monkeypatch):
    """Part small slides too, and return what parts them into bands of another size."""
    monkeypatch.setattr(slide_bands, "SMALL_FILE", 0)
    set_size = lambda n: monkeypatch.setattr(slide_bands, "TILES_PER_BAND", n)  # noqa: E731
    set_size(16)
    return set_size


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    write_slide(folder / "a.tif", tissue_image(800, 1000, 0))
    write_slide(folder / "b.tif", tissue_image(300, 300, 1))
    return folder


def indexed(place, kinds, folder, jobs, *representations):
    """Index a folder of slides; return the report and all arrays of the index."""
    with make(place.parent, kinds, *representations, name=place.name) as index:
        index.require_tiling(TILING)
        report = index.update([folder], jobs=jobs)
        assert index.verify() == []
    return report, arrays(place)


def arrays(place):
    """Return every array of an index and the names of its images, whatever its folders are called."""
    with Index.open(place) as index:
        names = tuple(index.names)
    found = [path for kind in ("segments", "models") for path in (place / kind).rglob("*.npy")]
    return names, Counter((path.name, path.read_bytes()) for path in found)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, slides):
    """What comes of the slides if none is parted: the report, the arrays, and the index."""
    place = tmp_path_factory.mktemp("whole") / "index"
    return *indexed(place, stand_ins, slides, 1, stand_ins.Mean(n_fit_pictures=60), Thumbnail()), place


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_the_arrays_are_those_of_one_worker_and_of_a_slide_in_one_piece(
    tmp_path, kinds, slides, whole, jobs
) -> None:
    made = indexed(tmp_path / "many", kinds, slides, jobs, kinds.Mean(n_fit_pictures=60), Thumbnail())
    assert made == whole[:2]
    assert len(made[1][0]) > 100


def test_the_parts_of_a_slide_are_reported_while_it_is_read(tmp_path, kinds, slides) -> None:
    told = []
    with make(tmp_path, kinds, Thumbnail()) as index:
        index.require_tiling(TILING)
        index.update([slides], jobs=1, progress=lambda *one: told.append(one))
    parts = [(done, total) for stage, done, total in told if stage == "reading a.tif"]
    assert parts[0][0] == 1
    assert parts == sorted(parts)
    assert len({total for _, total in parts}) == 1
    assert [done for stage, done, _ in told if stage == "read"][-1] == 2


def test_another_representation_encodes_the_tiles_that_the_index_has(tmp_path, kinds, slides, whole) -> None:
    with make(tmp_path, kinds, Thumbnail(), name="later") as index:
        index.require_tiling(TILING)
        index.update([slides], jobs=1)
        index.remove(["a.tif#1.0um/5,5"])
        index.add_representation(ColourHistogram(4))
        report = index.update([slides], jobs=1)
        assert report.skipped == ()
        assert index.verify() == []
        assert len(index) == len(whole[1][0]) - 1
        assert index.query("a.tif#1.0um/6,6", by=["colour"], k=1)[0].id == "a.tif#1.0um/6,6"


def spoil(path, chosen):
    """Write over tiles of the two lower levels, from which the tiles of the index are read."""
    with tifffile.TiffFile(path) as file:
        starts = [start for page in file.pages[1:] for start in page.dataoffsets]
    with path.open("r+b") as file:
        for start in starts[chosen]:
            file.seek(start)
            file.write(b"\x5a" * 40)


@pytest.mark.parametrize("chosen", [slice(25, 30), slice(None)], ids=["some", "all"])
def test_damaged_tiles_are_reported_as_of_a_slide_in_one_piece(tmp_path, kinds, bands, chosen) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    spoil(write_slide(folder / "a.tif", tissue_image(800, 1000, 0), tile=64), chosen)
    made = []
    for size in (WHOLE, 16):
        bands(size)
        # A tile that was drawn to learn from is damaged, too: another takes its place.
        representation = kinds.Mean(n_fit_pictures=60) if chosen.stop else Thumbnail()
        made.append(indexed(tmp_path / f"{size}", kinds, folder, 1, representation))
    assert made[0] == made[1]
    ((name, reason),) = made[0][0].skipped
    assert name == "a.tif"
    if chosen.stop:
        assert reason.startswith("tile 1.0um/")
        assert " cannot be read, the others are: " in reason


def test_a_slide_that_kills_its_worker_costs_no_other(tmp_path, kinds) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_slide(folder / "killer.tif", tissue_image(400, 500, 0))
    write_slide(folder / "z.tif", tissue_image(200, 200, 1))
    report, (names, _) = indexed(tmp_path / "i", kinds, folder, 2, kinds.Fragile())
    assert report.skipped == (("killer.tif", "the process that read it died (exit code 7)"),)
    assert {name.partition("#")[0] for name in names} == {"z.tif"}


def workers():
    """Return the worker processes of this process."""
    children = psutil.Process().children()
    return [child for child in children if any("multiprocessing.spawn" in word for word in child.cmdline())]


def wait_for_segment(place):
    """Wait until a part of a slide is written."""
    deadline = time.monotonic() + 60
    while not (place / "segments").exists() or not any((place / "segments").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_worker_that_is_killed_changes_nothing(tmp_path, kinds, slides, whole) -> None:
    place, killed = tmp_path / "many", []

    def kill() -> None:
        wait_for_segment(place)
        for worker in workers()[:1]:
            worker.kill()
            killed.append(worker)

    thread = threading.Thread(target=kill)
    thread.start()
    representations = kinds.Mean(n_fit_pictures=60), Thumbnail()
    with ProcessExecutor(2) as executor, make(tmp_path, kinds, *representations, name="many") as index:
        index.require_tiling(TILING)
        report = index.update([slides], jobs=executor, commit_every=8)
    thread.join()
    assert killed
    assert report == whole[0]
    with Index.open(place) as index, Index.open(whole[2]) as other:
        assert list(index.names) == list(other.names)
        for name in index.names:
            assert (index.vector(name, "thumbnail") == other.vector(name, "thumbnail")).all()


WRITER = """
import sys
from pathlib import Path

from retrieval.baselines import Thumbnail
from retrieval.index.update import slide_bands
from retrieval.index.writer import IndexWriter
from retrieval.readers.tiling import Tiling

slide_bands.SMALL_FILE, slide_bands.TILES_PER_BAND = 0, 16
if __name__ == "__main__":
    with IndexWriter.create(Path(sys.argv[1])) as index:
        index.add_representation(Thumbnail())
        index.require_tiling(Tiling((1.0, 2.0), 32))
        index.update([Path(sys.argv[2])], jobs=2, commit_every=8)
"""


def test_after_a_kill_in_the_middle_of_a_slide_the_next_update_makes_it_whole(
    tmp_path, kinds, slides
) -> None:
    _, wanted = indexed(tmp_path / "whole", kinds, slides, 1, Thumbnail())
    place, script = tmp_path / "killed", tmp_path / "writer.py"
    script.write_text(WRITER)
    process = subprocess.Popen([sys.executable, str(script), str(place), str(slides)])
    while process.poll() is None and not (
        (place / "segments").exists() and any((place / "segments").iterdir())
    ):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    with IndexWriter.open(place) as index:
        assert len(index) == 0
        index.update([slides], jobs=1)
        assert index.verify() == []
    assert arrays(place) == wanted
