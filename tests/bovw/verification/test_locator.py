"""Facts about where the words of a query are found: boxes, bonus, regions through an index."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from support.images import as_picture, discs

import bovw
from bovw.verification.geometric import Verdicts
from bovw.verification.locator import bonus, mapped_boxes
from retrieval.errors import SettingError
from retrieval.evidence.localization import Candidates, Locator
from retrieval.index.writer import IndexWriter
from retrieval.picture import Picture
from retrieval.region import Region

SMALL = {"words": 200, "tone_words": 8, "points": 150}


def verdicts(transforms: list, inliers: list[int], needed: int = 5) -> Verdicts:
    return Verdicts(np.array(transforms, float), np.array(inliers), np.full(len(inliers), needed))


def test_the_bonus_is_nothing_without_proof_and_rises_towards_one():
    found = bonus(verdicts([[1, 0, 0, 0]] * 5, [0, 4, 5, 30, 10**6]))
    assert found[:2].tolist() == [0, 0]
    assert (np.diff(found[1:]) > 0).all()
    assert found[-1] < 1


def test_boxes_are_the_outline_as_the_transform_takes_it_there():
    outline = Region.box(10, 20, 30, 40).polygons[0]
    shapes = np.array([[200, 300]] * 6)
    found = mapped_boxes(
        verdicts(
            [
                [1, 0, 0, 0],  # nothing moves
                [2, 0, 0.5, 0.5],  # twice the size: pixel centres are half a pixel in
                [0, 1, 0, 100 - 1],  # a quarter turn: rows become columns, backwards
                [1, 0, -25, 270],  # over two borders
                [1, 0, 500, 0],  # outside
                [1, 0, 0, 0],  # not proven
            ],
            [9, 9, 9, 9, 9, 4],
        ),
        outline,
        shapes,
    )
    wanted = [[10, 20, 30, 40], [20, 40, 60, 80], [20, 60, 40, 30], [0, 290, 15, 10]]
    np.testing.assert_allclose(found[:4], wanted, atol=1e-9)
    assert np.isnan(found[4:]).all()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    for seed in range(12):
        cv2.imwrite(str(folder / f"{seed:02}.png"), discs(seed))
    cv2.imwrite(str(folder / "flat.png"), np.full((60, 60), 90, np.uint8))
    return folder


@pytest.fixture(scope="module")
def index(place, tmp_path_factory):
    with IndexWriter.create(tmp_path_factory.mktemp("index") / "i") as made:
        made.add_representation(bovw.sift(**SMALL))
        made.add_representation(bovw.superpixel(**SMALL))
        made.update([place], jobs=1)
        yield made


def overlap(one, other) -> float:
    sides = [min(one[i] + one[i + 2], other[i] + other[i + 2]) - max(one[i], other[i]) for i in (0, 1)]
    both = max(0.0, sides[0]) * max(0.0, sides[1])
    return both / (one[2] * one[3] + other[2] * other[3] - both)


@pytest.mark.parametrize("by", ["sift", "superpixel"])
def test_a_region_finds_itself_in_its_own_picture_and_proves_it(index, by):
    (hit,) = index.query("03.png", by=[by], region=Region.box(30, 40, 90, 110), k=1)
    assert hit.id == "03.png"
    assert hit.n_inliers >= 10
    assert overlap(hit.box, (30, 40, 90, 110)) > 0.9


@pytest.mark.parametrize("by", ["sift", "superpixel"])
def test_every_hit_of_a_region_that_shares_a_word_has_a_box_within_its_picture(index, by):
    hits = index.query("03.png", by=[by], region=Region.box(10, 10, 40, 40), k=99)
    assert len(hits) == len(index)
    for hit in hits:
        if hit.id == "flat.png":
            assert hit.box is None
            continue
        row, col, height, width = hit.box
        assert 0 <= row < row + height <= 160 + 1e-3
        assert 0 <= col < col + width <= 200 + 1e-3
    assert all(a.score >= b.score for a, b in pairwise(hits))


def test_a_turned_and_smaller_piece_is_found_with_its_box(index):
    turn, scale = np.deg2rad(20), 0.9
    matrix = cv2.getRotationMatrix2D((100, 80), np.rad2deg(turn), scale)
    piece = cv2.warpAffine(discs(5), matrix, (200, 160))[40:120, 50:150]
    (hit,) = index.query(as_picture(piece), by=["sift"], k=1, adjust={"verify": 10})
    assert hit.id == "05.png"
    assert hit.n_inliers >= 8
    back = cv2.invertAffineTransform(matrix)
    corners = np.array([[50, 40, 1], [150, 40, 1], [150, 120, 1], [50, 120, 1]]) @ back.T
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    assert overlap(hit.box, (top, left, bottom - top, right - left)) > 0.8


def test_whole_pictures_are_verified_on_demand_alone(index):
    assert index.query("03.png", by=["sift"], k=1)[0].box is None
    hits = index.query("03.png", by=["sift"], k=5, adjust={"verify": 3})
    assert hits[0].id == "03.png"
    np.testing.assert_allclose(hits[0].box, (0, 0, 160, 200), atol=1)
    plain = index.query("03.png", by=["sift"], k=5)
    assert {h.id for h in hits[:3]} == {h.id for h in plain[:3]}
    assert [h.id for h in hits[3:]] == [h.id for h in plain[3:]]
    with pytest.raises(SettingError, match="verify"):
        index.query("03.png", by=["sift"], adjust={"verify": -1})


def test_a_query_without_points_is_found_nowhere():
    bag = bovw.superpixel(**SMALL).fit([as_picture(discs(seed)) for seed in range(4)])
    assert isinstance(bag, Locator)
    evidence = bag.encode(as_picture(discs(0))).evidence
    scores = np.array([0.5], np.float32)
    candidates = Candidates(evidence, np.array([0, len(evidence)]), np.array([[160, 200]]), scores)
    empty = bag.encode_query(Picture(np.zeros((50, 50), np.float32)))
    for region in (None, Region.box(5, 5, 20, 20)):
        found = bag.locate(empty, (50, 50), region, candidates)
        assert np.isnan(found.boxes).all()
        assert found.scores.tolist() == [0.5]
        assert found.n_inliers.tolist() == [0]
