"""Facts about timings: each second counts for one stage, and those of workers come with their results."""

import shutil
import time

import pytest
from support.drawings import draw_numbered
from support.indexes import index_thumbnails

from cli.main import main
from retrieval.baselines import Thumbnail
from retrieval.index.update.timings import Seconds
from retrieval.index.writer import IndexWriter

pytestmark = pytest.mark.usefixtures("quick")


def test_what_makes_items_is_timed_and_what_is_done_with_them_is_not():
    def slow():
        for number in range(2):
            time.sleep(0.05)
            yield number

    seconds = Seconds()
    for _ in seconds.of_items("made", slow()):
        time.sleep(0.2)
    assert 0.1 <= seconds["made"] < 0.4


def test_a_part_is_taken_out_of_its_stage():
    seconds = Seconds(whole=5.0)
    seconds.part("whole", {"first": 1.0, "second": 1.5})
    assert seconds == {"whole": 2.5, "first": 1.0, "second": 1.5}


def test_a_stage_that_fails_is_timed():
    seconds = Seconds()
    with pytest.raises(ValueError, match="late"), seconds.of("work"):
        time.sleep(0.01)
        raise ValueError("late")
    assert seconds["work"] >= 0.01


@pytest.mark.parametrize("jobs", [1, 2])
def test_stages_add_up_to_the_time_of_the_update(tmp_path, jobs):
    folder = draw_numbered(tmp_path / "images", 6)
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        start = time.perf_counter()
        timings = index.update([folder], jobs=jobs).timings
        passed = time.perf_counter() - start
    assert {"scanning", "learning", "encoding", "committing", "merging"} < set(timings.stages)
    assert all(seconds >= 0 for seconds in timings.stages.values())
    assert 0.5 * passed < sum(timings.stages.values()) <= passed
    assert {"reading", "encoding thumbnail", "thumbnails"} < set(timings.workers)
    assert timings.workers["reading"] > 0


def test_the_command_says_them_when_asked(tmp_path, capsys):
    folder = draw_numbered(tmp_path / "images", 2)
    place = index_thumbnails(tmp_path / "index", folder)
    shutil.copy(folder / "0.png", folder / "new.png")
    assert main(["index", str(folder), "-o", str(place), "--quiet", "--timings", "--jobs", "1"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("seconds: scanning ") for line in lines)
    assert any(line.startswith("seconds of the workers: reading ") for line in lines)
