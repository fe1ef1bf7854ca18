"""Facts about slides in an index: tiles are images of their file, from the first update to the last."""

from __future__ import annotations

import numpy as np
import pytest
from support.indexes import answers, counts, make
from support.slides import tissue_image, write_slide

from retrieval.baselines import Thumbnail
from retrieval.errors import IndexFolderError, PictureError
from retrieval.index import Index
from retrieval.index.update import worker_task
from retrieval.index.writer import IndexWriter
from retrieval.readers.tiling import Tile, Tiling, Tissue

pytestmark = pytest.mark.usefixtures("quick")
TILING = Tiling((1.0, 2.0), 128)


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    for seed, name in enumerate("ab"):
        write_slide(folder / f"{name}.tif", tissue_image(800, 1000, seed))
    return folder


@pytest.fixture
def index(tmp_path, slides, kinds):
    with make(tmp_path, kinds, Thumbnail()) as made:
        made.require_tiling(TILING)
        made.update([slides], jobs=1)
        yield made


def test_tiles_are_named_by_scale_column_and_row(index) -> None:
    assert "a.tif#1.0um/1,1" in index
    assert "a.tif#2.0um/0,0" in index
    assert {name.partition("#")[0] for name in index.names} == {"a.tif", "b.tif"}
    entry = index.picture("a.tif#1.0um/1,1")
    assert (entry.source, entry.shape, entry.groups["slide"]) == ("a.tif", (128, 128), "a.tif")


def test_the_pixels_of_a_tile_are_read_again(index, slides) -> None:
    again = index.read("a.tif#1.0um/1,1")
    (first,) = index.read_query(slides / "a.tif", frames=[Tile(1.0, 1, 1)])
    assert np.array_equal(again.pixels, first.pixels)
    image = tissue_image(800, 1000, 0)[256:512, 256:512].reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
    assert np.abs(again.pixels * 255 - image).max() <= 1


def test_a_tile_finds_itself_and_other_slides(index) -> None:
    assert answers(index, "a.tif#1.0um/1,1")[0][0] == "a.tif#1.0um/1,1"
    others = index.query("a.tif#1.0um/1,1", not_same="slide", k=100)
    assert {hit.group["slide"] for hit in others} == {"b.tif"}
    by_slide = index.query("a.tif#1.0um/1,1", group_by="slide")
    assert [hit.group["slide"] for hit in by_slide] == ["a.tif", "b.tif"]


def test_only_what_has_changed_is_read_again(index, slides) -> None:
    assert counts(index.update([slides], jobs=1)) == (0, 0, 0, 2)


def test_a_tile_that_is_removed_stays_away(index, slides) -> None:
    n = len(index)
    assert index.remove(["a.tif#1.0um/1,1"]) == 1
    index.update([slides], jobs=1, refit=True)
    assert len(index) == n - 1
    assert index.remove(["b.tif"]) == sum(name.startswith("b.tif#") for name in index.names) + n - 1 - len(
        index
    )


def test_a_tile_that_is_removed_stays_away_when_its_slide_changes_its_name(tmp_path, kinds) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    write_slide(folder / "a.tif", tissue_image(800, 1000, 0))
    with make(tmp_path, kinds, Thumbnail()) as index:
        index.require_tiling(TILING)
        index.update([folder], jobs=1)
        tiles = {name.partition("#")[2] for name in index.names}
        gone = {"1.0um/1,1", "2.0um/0,0"}
        index.remove([f"a.tif#{tile}" for tile in gone])
        (folder / "a.tif").rename(folder / "b.tif")
        index.update([folder], jobs=1)
        assert set(index.names) == {f"b.tif#{tile}" for tile in tiles - gone}


def test_tiles_of_a_slide_are_kept_together_and_are_one_case(index) -> None:
    from retrieval.index.search.group_cases import case_column
    from retrieval.index.storage.annotations import Annotations

    column, groups = index.ask(lambda snapshot: Annotations(snapshot).groups(None))
    assert (column, len(set(groups))) == ("slide", 2)
    assert index.ask(case_column) == "slide"


def test_a_changed_slide_replaces_its_tiles(tmp_path, kinds) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    write_slide(folder / "a.tif", tissue_image(800, 1000, 0))
    with make(tmp_path, kinds, Thumbnail()) as index:
        index.require_tiling(TILING)
        index.update([folder], jobs=1)
        before = list(index.names)
        write_slide(folder / "a.tif", tissue_image(400, 500, 0))
        assert counts(index.update([folder], jobs=1)) == (0, 1, 0, 0)
        assert 0 < len(index.names) < len(before)


def test_only_the_tiles_that_are_drawn_are_read_to_learn_from(tmp_path, slides, kinds, monkeypatch) -> None:
    asked = []
    original = worker_task.read_guarded
    monkeypatch.setattr(
        worker_task, "read_guarded", lambda *a, **k: asked.append(k["frames"]) or original(*a, **k)
    )
    with make(tmp_path, kinds, kinds.Mean(n_fit_pictures=6)) as index:
        index.require_tiling(TILING)
        index.update([slides], jobs=1)
        assert index.info()["representations"][0]["fitted_on"] == 6
    assert [len(frames) for frames in asked if frames is not None] == [3, 3]


def test_what_is_drawn_is_what_would_be_drawn_of_all_tiles(tmp_path, slides, kinds, monkeypatch) -> None:
    recipes = []
    for name in ("drawn", "all"):
        with make(tmp_path, kinds, kinds.Mean(n_fit_pictures=6), name=name) as index:
            index.require_tiling(TILING)
            index.update([slides], jobs=1)
            recipes.append(index.info()["representations"][0]["recipe"])
        monkeypatch.setattr(worker_task, "draw_tiles", lambda *a: None)
    assert recipes[0] == recipes[1]


def test_hidden_names_hide_those_of_slides(tmp_path, slides) -> None:
    from retrieval.index.catalogue.privacy import Privacy

    with IndexWriter.create(tmp_path / "hidden", privacy=Privacy(names="hash")) as index:
        index.add_representation(Thumbnail())
        index.require_tiling(TILING)
        index.update([slides], jobs=1)
        assert not any("tif" in name for name in index.names)
        shown = index.ask(lambda snapshot: snapshot.catalogue.names.shown("a.tif#1.0um/1,1"))
        assert shown in index
        assert "tif" not in index.picture(shown).groups["slide"]


def test_an_index_keeps_how_it_cuts_slides(index, slides, tmp_path) -> None:
    with pytest.raises(IndexFolderError, match="cuts slides at 1, 2 µm a pixel, tiles of 128"):
        index.require_tiling(Tiling((1.0,), 128))
    with IndexWriter.create(tmp_path / "plain") as plain:
        plain.add_representation(Thumbnail())
        plain.update([slides], jobs=1)
        assert list(plain.names) == ["a.tif", "b.tif"]
        assert plain.tiling is None
        with pytest.raises(IndexFolderError, match="first level of slides as one image, not at 1, 2 µm"):
            plain.require_tiling(TILING)


def test_a_whole_slide_is_no_query(index, slides) -> None:
    with pytest.raises(PictureError, match=r"a\.tif: a whole slide; mark a field"):
        list(index.read_query(slides / "a.tif"))


def test_a_slide_without_tissue_is_skipped_with_the_reason(tmp_path, kinds) -> None:
    write_slide(tmp_path / "blank.tif", np.full((700, 900, 3), 243, np.uint8))
    with make(tmp_path, kinds, Thumbnail(), name="one") as index:
        index.require_tiling(TILING)
        report = index.update([tmp_path / "blank.tif"], jobs=1)
        assert [reason for _, reason in report.skipped] == [
            "no tissue is found on the slide; give --tissue off if it has no colour"
        ]
    with make(tmp_path, kinds, Thumbnail(), name="two") as index:
        index.require_tiling(Tiling((1.0,), 128, tissue=Tissue.parse("off")))
        index.update([tmp_path / "blank.tif"], jobs=1)
        assert len(index) == 3 * 4
    with Index.open(tmp_path / "two") as index:
        assert index.tiling is not None
