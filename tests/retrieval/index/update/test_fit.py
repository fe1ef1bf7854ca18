"""Facts about what the representations of an index learn, from which pictures, and when again."""

import numpy as np
import pytest
import tifffile
from support.drawings import draw_grey as draw
from support.drawings import draw_numbered
from support.indexes import answers, make

from retrieval.baselines import Thumbnail
from retrieval.errors import FitError, IndexFolderError
from retrieval.index import Index
from retrieval.index.update import fit, worker_task
from retrieval.index.update.workers import ProcessExecutor
from retrieval.rankers.block_sums import write_sums
from retrieval.readers.window import Window

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def folder(tmp_path):
    return draw_numbered(tmp_path / "pictures", 10)


def test_the_fit_is_drawn_from_all_files_whatever_their_order(tmp_path, folder, kinds):
    recipes = set()
    for name, order in (("a", sorted(folder.iterdir())), ("b", sorted(folder.iterdir(), reverse=True))):
        with make(tmp_path, kinds, kinds.Mean(n_fit_pictures=5), name=name) as index:
            # All files are known before the first is read.
            index.update(order, jobs=1)
            info = index.info()["representations"][0]
            assert info["fitted_on"] == 5
            assert info["report"]["highest"] > 0
            recipes.add(info["recipe"])
    assert len(recipes) == 1


def test_workers_that_end_while_a_large_sample_is_learnt_from_change_nothing(
    tmp_path, folder, kinds, monkeypatch
):
    closed, close = [], ProcessExecutor.close
    monkeypatch.setattr(ProcessExecutor, "close", lambda own: (closed.append(own._jobs), close(own)))
    recipes = set()
    for name, large in (("a", 1 << 25), ("b", 0)):
        monkeypatch.setattr(fit, "_LARGE", large)
        with make(tmp_path, kinds, kinds.Mean(n_fit_pictures=5), name=name) as index:
            index.update([folder], jobs=2)
            recipes.add(index.info()["representations"][0]["recipe"])
    # Once at the end of each update, and once more in the midst of the second.
    assert len(recipes) == 1 and closed == [2, 2, 2]


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("n_other", [6, 3])
def test_representations_learn_together_what_each_learns_alone(tmp_path, folder, kinds, jobs, n_other):
    tifffile.imwrite(folder / "stack.tif", np.arange(5 * 192, dtype=np.uint16).reshape(5, 12, 16))
    apart = []
    for representation in (kinds.Mean(n_fit_pictures=6), kinds.Other(n_fit_pictures=n_other)):
        with make(tmp_path, kinds, representation, name=representation.name) as index:
            index.update([folder], jobs=1)
            apart += [(r["recipe"], r["fitted_on"]) for r in index.info()["representations"]]
    together = [kinds.Mean(n_fit_pictures=6), Thumbnail(), kinds.Other(n_fit_pictures=n_other)]
    with make(tmp_path, kinds, *together, name="together") as index:
        index.update([folder], jobs=jobs)
        found = [(r["recipe"], r["fitted_on"]) for r in index.info()["representations"]]
        assert [found[0], found[2]] == apart


def test_a_file_is_read_once_for_all_that_learn_from_equally_many_pictures(
    tmp_path, folder, kinds, monkeypatch
):
    read = []
    original = worker_task.read_guarded
    monkeypatch.setattr(worker_task, "read_guarded", lambda *a, **k: read.append(a[1]) or original(*a, **k))
    with make(tmp_path, kinds, kinds.Mean(), Thumbnail(), kinds.Other()) as index:
        index.update([folder], jobs=1)
    assert len(read) == 4 + 10


def test_one_file_of_many_frames_is_enough_to_learn_from(tmp_path, kinds):
    folder = tmp_path / "stack"
    folder.mkdir()
    frames = np.random.default_rng(0).integers(0, 256, (150, 12, 16), dtype=np.uint8)
    tifffile.imwrite(folder / "stack.tif", frames, photometric="minisblack")
    draw(folder / "one.png", 1)
    with make(tmp_path, kinds, kinds.Mean(n_fit_pictures=120)) as index:
        report = index.update([folder], jobs=2)
        assert (report.added, report.pictures, len(index)) == (2, 151, 151)
        assert index.info()["representations"][0]["fitted_on"] == 120
        assert index.query("stack.tif#149")[0].id == "stack.tif#149"
        assert index.verify() == []
        index.remove(["stack.tif#7"])
        index.add_representation(Thumbnail())
        assert index.update([folder], jobs=1).pictures == 150
        assert "stack.tif#7" not in index
        assert index.verify() == []


def test_too_little_to_learn_from_is_an_error_and_loses_nothing(tmp_path, folder, kinds):
    with make(tmp_path, kinds, Thumbnail(), kinds.Mean(refuses=True)) as index:
        with pytest.raises(FitError, match="index more pictures"):
            index.update([folder], jobs=1)
        # What was never fitted may be given other settings.
        index.add_representation(kinds.Mean())
        assert index.update([folder], jobs=1).added == 10
        assert list(index.representations) == ["thumbnail", "mean"]
        assert index.verify() == []


def test_before_the_first_picture_another_window_undoes_the_fit(tmp_path, folder, kinds):
    def interrupt(stage, done, total):
        if stage == "read":
            raise KeyboardInterrupt

    with make(tmp_path, kinds, Thumbnail(), kinds.Mean()) as index:
        with pytest.raises(KeyboardInterrupt):
            index.update([folder], jobs=1, progress=interrupt)
        assert [r["fitted_on"] for r in index.info()["representations"]] == [0, 4]
        index.require_window(Window("full"))
        assert [r["fitted_on"] for r in index.info()["representations"]] == [0, 0]
        index.add_representation(kinds.Mean(n_fit_pictures=3))
        assert index.update([folder], jobs=1).added == 10
        assert index.info()["representations"][1]["fitted_on"] == 3
        assert index.verify() == []
        with pytest.raises(IndexFolderError, match="window is full in this index, not auto"):
            index.require_window(Window())
        index.remove(["0.png"])
        with pytest.raises(IndexFolderError, match="n_fit_pictures is 3 in this index, not 4"):
            index.add_representation(kinds.Mean())


def test_before_the_first_picture_another_window_keeps_what_was_learnt_elsewhere(tmp_path, folder, kinds):
    fitted = kinds.Mean().restore({"mean": np.full(64, 0.5, np.float32)})
    with make(tmp_path, kinds, fitted) as index:
        index.require_window(Window("full"))
        index.update([folder], jobs=1)
        np.testing.assert_array_equal(index.representation("mean").mean_, fitted.mean_)
        assert index.verify() == []


def test_without_a_readable_picture_nothing_is_learnt_and_nothing_fails(tmp_path, kinds):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("x")
    with make(tmp_path, kinds, kinds.Mean()) as index:
        report = index.update([tmp_path / "texts"], jobs=1)
        assert (report.added, report.ignored) == (0, 1)
        assert index.info()["representations"][0]["recipe"] is None


def test_an_index_that_grew_tenfold_recommends_to_learn_again(tmp_path, folder, kinds):
    small = tmp_path / "small"
    small.mkdir()
    draw(small / "s.png", 70)
    with make(tmp_path, kinds, kinds.Mean()) as index:
        assert index.update([small], jobs=1).notes == ()
        before = index.info()["representations"][0]["recipe"]
        for number in range(10, 12):
            draw(folder / f"{number}.png", number)
        (note,) = index.update([folder], jobs=1).notes
        assert note == "mean learnt when the number of files was 1, now 13; `--refit` lets it learn again"
        report = index.update([folder], jobs=1, refit=True)
        assert report.notes == ()
        assert report.pictures == 13
        (after,) = index.info()["representations"]
        assert after["recipe"] != before
        assert after["fitted_on"] == 4
        assert len(list((tmp_path / "index" / "models").iterdir())) == 1
        assert answers(index)[0][0] == "3.png"
        assert index.verify() == []


def test_while_it_learns_again_the_old_one_answers(tmp_path, folder, kinds, monkeypatch):
    with make(tmp_path, kinds, kinds.Mean()) as index:
        index.update([folder], jobs=1)
        before = answers(index)
        # What comes out as it was would not be encoded again.
        monkeypatch.setattr(kinds.Mean, "drift", 0.25)

        def interrupt(stage, done, total):
            if stage == "read" and done == 5:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            index.update([folder], jobs=1, refit=True, progress=interrupt)
        assert answers(index) == before
        assert [r["replaces_present"] for r in index.info()["representations"]] == [False, True]
        assert index.update([folder], jobs=1).pictures == 5
        assert [r["replaces_present"] for r in index.info()["representations"]] == [False]
        assert index.verify() == []


def test_what_was_learnt_elsewhere_is_kept_and_guarded(tmp_path, folder, kinds):
    fitted = kinds.Mean().restore({"mean": np.full(64, 0.5, np.float32)})
    with make(tmp_path, kinds, fitted) as index:
        index.update([folder], jobs=1)
        np.testing.assert_array_equal(index.representation("mean").mean_, fitted.mean_)
        index.add_representation(fitted)
        index.add_representation(kinds.Mean())
        with pytest.raises(IndexFolderError, match="mean learnt something else here"):
            index.add_representation(kinds.Mean().restore({"mean": np.zeros(64, np.float32)}))
    (model,) = (tmp_path / "index" / "models").iterdir()
    np.save(model / "mean.npy", np.zeros(64, np.float32))
    write_sums(model)  # as if another had been put in its place
    with (
        Index.open(tmp_path / "index", factories={"mean": kinds.Mean}) as index,
        pytest.raises(IndexFolderError, match="mean is not the one that this index was made with"),
    ):
        index.query("1.png")
