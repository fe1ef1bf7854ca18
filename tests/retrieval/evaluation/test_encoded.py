"""Images that a representation has not encoded: what measures or hands out vectors says so."""

import pytest
from support.drawings import draw_numbered

from retrieval.baselines import ColourHistogram, Thumbnail
from retrieval.errors import SettingError
from retrieval.evaluation import EvaluationOptions, evaluate
from retrieval.evaluation.learn_fusion import FusionOptions, learn_fusion
from retrieval.index import Index
from retrieval.index.export import export_vectors
from retrieval.index.writer import IndexWriter
from retrieval.metadata.label_table import LabelTable
from viewer.server.asking import maps

LACKING = r"7\.png: not encoded by colour yet; run `semblance index` to the end first"


@pytest.fixture
def place(tmp_path):
    """Make an index of eight images, the last of which was gone before colours were encoded."""
    draw_numbered(tmp_path / "images", 8)
    table = tmp_path / "labels.csv"
    table.write_text("path,label\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(8)))
    with IndexWriter.create(tmp_path / "index") as index:
        index.add_representation(Thumbnail())
        index.update([tmp_path / "images"], jobs=1, labels=LabelTable.read(table))
        (tmp_path / "images" / "7.png").unlink()
        index.add_representation(ColourHistogram())
        index.update([], jobs=1)
    return tmp_path / "index"


@pytest.mark.parametrize("by", [("colour",), ("thumbnail", "colour"), ("thumbnail,colour",), ("colour+lda",)])
def test_a_right_answer_that_cannot_be_ranked_is_no_smaller_task(place, by):
    options = EvaluationOptions(by=by, queries=("1.png", "2.png"), fusion=("z",), baselines=False)
    with Index.open(place) as index, pytest.raises(SettingError, match=LACKING):
        evaluate(index, options)


def test_a_baseline_is_made_of_thumbnails_where_it_lacks_images(place):
    options = EvaluationOptions(by=("thumbnail",), queries=("1.png",), cutoffs=(7,))
    with Index.open(place) as index:
        found = evaluate(index, options)
        # Of the seven others, 3, 5 and 7 are of its class.
        assert found.mean("colour", "P@7") == found.mean("thumbnail", "P@7") == 3 / 7
        without = EvaluationOptions(by=("colour",), queries=("1.png",), where="id != '7.png'")
        assert "colour" in evaluate(index, without).values


def test_a_fusion_is_not_learnt_from_a_part(place):
    with pytest.raises(SettingError, match=LACKING):
        learn_fusion(place, FusionOptions(by=("thumbnail", "colour")))


def test_vectors_and_maps_name_what_has_none(place):
    with Index.open(place) as index:
        with pytest.raises(SettingError, match=LACKING):
            index.vector("7.png", "colour")
        with pytest.raises(SettingError, match=LACKING):
            export_vectors(index, "colour")
        with pytest.raises(SettingError, match=LACKING):
            index.ask(lambda snapshot: maps._laid_out(snapshot, "colour", "pca", "", 100))
