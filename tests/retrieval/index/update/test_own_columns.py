"""Facts about columns that an index fills itself: no label table says otherwise."""

from __future__ import annotations

import pytest
from support.drawings import draw_nested
from support.indexes import make
from support.slides import tissue_image, write_slide

from retrieval.baselines import Thumbnail
from retrieval.errors import SettingError
from retrieval.evaluation import EvaluationOptions, evaluate
from retrieval.index import Index
from retrieval.index.catalogue.pictures import set_labels
from retrieval.index.storage.annotations import Annotations
from retrieval.metadata.label_table import LabelRow, LabelTable
from retrieval.metadata.reports.report_table import read_reports
from retrieval.readers.tiling import Tiling, box_of

pytestmark = pytest.mark.usefixtures("quick")
_BOX = {"um_per_px": "9", "x": "7", "y": "7", "width": "5", "height": "5"}


def table_of(path, columns):
    return LabelTable({path: LabelRow(("a",), columns, 2)})


def keep(index, path, columns):
    """Let an index hold such a table, as one from before they were refused does."""
    with index._store.catalogue.transaction():
        set_labels(index._store.catalogue, [(path, LabelRow(("a",), columns, 2))])
    index.refresh()


@pytest.fixture
def plain(tmp_path, kinds):
    folder = draw_nested(tmp_path / "pictures")
    with make(tmp_path, kinds, Thumbnail()) as index:
        index.update([folder], jobs=1)
        yield index


@pytest.fixture
def sliced(tmp_path, kinds):
    (tmp_path / "slides").mkdir()
    write_slide(tmp_path / "slides" / "a.tif", tissue_image(400, 500, 0))
    with make(tmp_path, kinds, Thumbnail(), name="tiles") as index:
        index.require_tiling(Tiling((1.0,), 128))
        index.update([tmp_path / "slides"], jobs=1)
        yield index


@pytest.mark.parametrize("column", ["id", "source", "rows", "cols", "kind", "um_per_px"])
def test_a_table_that_names_what_the_index_knows_itself_is_refused(plain, tmp_path, column) -> None:
    table = table_of("a/0.png", {column: "7"})
    with pytest.raises(SettingError, match=f"labels: column {column}: .*rename it"):
        plain.update([tmp_path / "pictures"], jobs=1, labels=table)
    with pytest.raises(SettingError, match=f"column {column}"):
        evaluate(plain, EvaluationOptions(labels=table))
    assert plain.picture("a/0.png").labels == ()


def test_the_sides_of_plain_images_may_be_in_a_table(plain, tmp_path) -> None:
    sides = {name: value for name, value in _BOX.items() if name != "um_per_px"}
    plain.update([tmp_path / "pictures"], jobs=1, labels=table_of("a/0.png", sides))
    assert plain.picture("a/0.png").metadata["width"] == "5"
    assert [hit.id for hit in plain.query("b/3.png", where="width = 5")] == ["a/0.png"]


def test_the_box_of_a_tile_is_none_of_a_table(sliced, tmp_path) -> None:
    with pytest.raises(SettingError, match="labels: columns height, width: "):
        sliced.update(
            [tmp_path / "slides"], jobs=1, labels=table_of("a.tif", {"width": "5", "height": "5", "age": "7"})
        )


def test_an_index_that_holds_such_a_table_opens_and_tells_its_own(plain, sliced) -> None:
    before = box_of(sliced.picture(name := sliced.names[0]).metadata)
    keep(sliced, "a.tif", {**_BOX, "kind": "x", "age": "7"})
    entry = sliced.picture(name)
    assert box_of(entry.metadata) == before
    assert entry.given == {"age"}
    assert not len(sliced.query(name, where="width = 5 or kind = 'x'"))
    keep(plain, "a/0.png", {**_BOX, "source": "clinic", "id": "9"})
    with Index.open(plain._store.folder) as index:
        entry = index.picture("a/0.png")
        assert box_of(entry.metadata) is None
        assert entry.metadata["x"] == "7"
        columns = index.ask(lambda snapshot: snapshot.columns.values("source"))
        assert columns[index.names.index("a/0.png")] == ("a/0.png",)
        assert not index.ask(lambda snapshot: Annotations(snapshot).meets("id = '9'").any())
        with pytest.raises(SettingError, match="no column 'um_per_px'"):
            index.query("b/3.png", where="um_per_px = 9")


def test_a_table_of_reports_may_have_any_columns(tmp_path) -> None:
    (tmp_path / "r.csv").write_text("path,report,id,source,age\na.png,nodule,1,clinic,60\n")
    row = read_reports(tmp_path / "r.csv", ()).rows["a.png"]
    assert set(row.columns) == {"report", "age"}
