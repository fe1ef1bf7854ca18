"""Facts about expanded queries: proven hits are added, by what lies where they matched; nothing else is."""

import cv2
import numpy as np
import pytest
from support.images import discs

import bovw
from bovw.verification.word_search import within
from cli.main import main
from retrieval.answers.relevance_feedback import Rocchio
from retrieval.errors import SettingError
from retrieval.evidence.localization import Candidates, Expander
from retrieval.index import Index
from retrieval.index.writer import IndexWriter
from retrieval.picture import Picture
from retrieval.region import Region

SMALL = {"words": 200, "tone_words": 8, "points": 200}


def chain() -> dict[str, np.ndarray]:
    """Make pictures a, b, c, each the next piece of one long texture, half of it shared, and five others."""
    long = discs(0, (120, 320), 192, 9)
    found = {"a": long[:, :160], "b": long[:, 80:240], "c": long[:, 160:320]}
    return found | {f"other{seed}": discs(seed, (120, 160), 96, 9) for seed in range(1, 6)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    (folder / "scenes").mkdir()
    for name, pixels in chain().items():
        cv2.imwrite(str(folder / "scenes" / f"{name}.png"), pixels)
    with IndexWriter.create(folder / "i") as made:
        made.add_representation(bovw.sift(**SMALL))
        made.add_representation(bovw.superpixel(**SMALL))
        made.update([folder / "scenes"], jobs=1)
    return folder


@pytest.fixture(scope="module")
def index(place):
    with Index.open(place / "i") as opened:
        yield opened


def scores(hits) -> dict[str, float]:
    return {hit.id: hit.score for hit in hits}


def test_a_hit_brings_what_the_query_itself_does_not_share(index):
    plain = index.query("a.png", by=["sift"], k=8, adjust={"verify": 200})
    more = index.query("a.png", by=["sift"], k=8, adjust={"expand": 2})
    assert [hit.id for hit in plain[:2]] == [hit.id for hit in more[:2]] == ["a.png", "b.png"]
    assert plain[1].n_inliers > 5
    assert more[0].box is not None and more[1].box is not None
    # b was matched in the half that it shares with a, and that alone is added: c shares nothing with it.
    lead = {ids: scores(hits)["b.png"] for ids, hits in (("plain", plain), ("more", more))}
    assert lead["more"] > lead["plain"]


@pytest.mark.parametrize("query", ["other1.png", "region"])
def test_where_nothing_is_proven_the_answer_stays_as_it_is(index, query):
    options = {"by": ["sift"], "k": 8, "include_self": False}
    asked = "other1.png" if query != "region" else Picture(np.full((80, 80), 0.4, np.float32))
    if query == "region":
        options |= {"region": Region.box(5, 5, 60, 60), "include_self": True}
    plain = index.query(asked, **options, adjust={"verify": 200})
    assert not any(hit.n_inliers for hit in plain)
    assert index.query(asked, **options, adjust={"expand": 5}) == plain


def test_the_mean_is_of_the_query_and_of_the_words_within_the_boxes(index):
    bag = index.representation("sift").adjusted(expand=2)
    assert isinstance(bag, Expander)
    assert bag.n_expanding == 2
    query, hit = bag.encode(index.read("a.png")), bag.encode(index.read("b.png"))
    offsets, shapes = np.array([0, len(hit.evidence)]), np.array([[120, 160]])
    candidates = Candidates(hit.evidence, offsets, shapes, np.zeros(1, np.float32))
    whole = bag.expanded(query, candidates, np.array([[0.0, 0.0, 120.0, 160.0]]))
    by_hand = Rocchio(1.0, 1.0).refine(query.vector, [hit.vector], [])
    np.testing.assert_allclose(whole.vector.dense(), by_hand.dense(), atol=1e-6)
    np.testing.assert_array_equal(whole.evidence, query.evidence)
    part = bag.expanded(query, candidates, np.array([[0.0, 0.0, 120.0, 80.0]])).vector
    left = set(within(hit.evidence, np.array([0, 0, 120, 80]))["word"].tolist())
    known = set(query.evidence["word"].tolist())
    assert {w for w in part.indices.tolist() if w < bag.shape_vocabulary_.size} <= left | known
    nothing = bag.expanded(query, candidates, np.array([[0.0, 0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(nothing.vector.dense(), query.vector.dense(), atol=1e-6)


def test_points_within_a_box_are_those_between_its_borders():
    rows = np.zeros(4, bovw_evidence())
    rows["row"], rows["col"] = [0, 9, 10, 4], [0, 9, 4, 20]
    assert within(rows, np.array([0.0, 0.0, 10.0, 10.0]))["row"].tolist() == [0, 9]


def bovw_evidence() -> np.dtype:
    from bovw.verification.evidence import EVIDENCE

    return EVIDENCE


def test_regions_are_expanded_too(index):
    region = Region.box(10, 90, 100, 60)
    hits = index.query("a.png", by=["superpixel"], k=3, region=region, adjust={"expand": 3})
    assert [hit.id for hit in hits[:2]] == ["a.png", "b.png"]
    row, col, height, width = hits[1].box
    assert abs(col - 10) < 8 and abs(row - 10) < 8
    assert abs(height - 100) < 16 and abs(width - 60) < 16


def test_it_is_a_setting_of_the_query_of_any_index(place, index, capsys):
    before = index.representation("sift").settings["expand"]
    arguments = ["query", str(place / "i"), "a.png", "--by", "sift", "--expand", "5", "-k", "2", "--csv"]
    assert main(arguments) == 0
    assert "b.png" in capsys.readouterr().out
    assert index.representation("sift").settings["expand"] == before == 0
    with pytest.raises(SettingError, match="expand: -1"):
        index.query("a.png", by=["sift"], adjust={"expand": -1})


def test_fused_representations_are_expanded_each(index):
    hits = index.query("a.png", k=8, adjust={"expand": 2})
    assert [hit.id for hit in hits[:2]] == ["a.png", "b.png"]
    assert len(hits) == 8
