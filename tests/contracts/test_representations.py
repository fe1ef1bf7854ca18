"""The contract of every representation that this distribution installs: the same sentences, said of each."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.images import blobs_and_stripes

from retrieval.errors import FitError, IndexFolderError
from retrieval.evidence.localization import Candidates, Locator
from retrieval.index.catalogue.recipe import recipe_hash
from retrieval.picture import Picture
from retrieval.ranker import Ranker
from retrieval.rankers.array_files import load_arrays, save_arrays
from retrieval.region import Region
from retrieval.representation import (
    FAMILIES,
    Encoding,
    Remembering,
    Representation,
    Reusing,
    SparseVector,
    family_of,
    needs_network,
)

FACTORIES = {
    entry.name: entry
    for entry in entry_points(group="semblance.representations")
    if entry.dist is not None and entry.dist.name == "semblance"
}
SMALL = {"words": 24, "tone_words": 6, "points": 60, "longest_side": 96, "fit_pictures": 20}
"""Settings of a quick representation, for those that have them."""


def make(name: str, **more: Any) -> Representation:
    factory = FACTORIES[name].load()
    known = factory().settings
    return factory(**{key: value for key, value in {**SMALL, **more}.items() if key in known})


def collection() -> list[Picture]:
    """Make ten pictures, grey and colour mixed, some larger than what is described."""
    shapes = [(80, 104), (104, 80, 3), (131, 97), (64, 64, 3)]
    return [blobs_and_stripes(seed, shapes[seed % len(shapes)]) for seed in range(10)]


def dense(encoding: Encoding) -> np.ndarray:
    vector = encoding.vector
    return vector.dense() if isinstance(vector, SparseVector) else np.asarray(vector)


def bits(encoding: Encoding) -> bytes:
    """Return an encoding to the last bit."""
    rows = b"" if encoding.evidence is None else encoding.evidence.tobytes()
    return dense(encoding).tobytes() + rows


def points(encoding: Encoding) -> np.ndarray | None:
    """Return the evidence where it is one of points; that of deep cells covers every picture alike."""
    evidence = encoding.evidence
    return evidence if evidence is not None and "row" in (evidence.dtype.names or ()) else None


def digest(representation: Representation) -> str:
    """Return a hash of what was learnt and of some encodings."""
    learnt = recipe_hash("auto", representation.name, representation.settings, representation.learnt())
    encoded = b"".join(bits(representation.encode(p)) for p in PICTURES[1:4])
    return f"{learnt} {hashlib.sha256(encoded).hexdigest()}"


PICTURES = collection()
ODD = {
    "constant": np.full((40, 50), 0.4),
    "black": np.zeros((40, 50)),
    "constant colour": np.full((40, 50, 3), (0.9, 0.1, 0.3)),
    "one pixel": np.full((1, 1), 0.7),
    "two pixels": np.array([[0.0, 1.0]]),
    "a line": np.linspace(0, 1, 10000)[None, :],
    "a column of colour": np.linspace(0, 1, 1500).reshape(500, 1, 3),
    "a checkerboard": np.indices((60, 60)).sum(axis=0) % 2,
    "one bright pixel": np.eye(1, 33 * 33, 544).reshape(33, 33),
}


@pytest.fixture(params=FACTORIES, scope="module")
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def fitted(name: str) -> Representation:
    return make(name).fit(PICTURES)


@pytest.fixture(scope="module")
def encodings(fitted: Representation) -> list[Encoding]:
    return [fitted.encode(p) for p in PICTURES]


@pytest.fixture(scope="module")
def ranker(fitted: Representation, encodings: list[Encoding]) -> Ranker:
    filled = fitted.make_ranker()
    filled.add(np.arange(len(encodings)), [e.vector for e in encodings])
    return filled


def test_it_is_a_representation_of_its_name(name, fitted):
    assert isinstance(fitted, Representation)
    assert fitted.name == name
    assert fitted.is_fitted


def test_it_says_of_which_family_it_is_before_anything_is_loaded(name):
    assert family_of(make(name)) in FAMILIES[:-1]
    # Of ours, networks are slow that torch alone can run.
    assert not needs_network(make(name))
    assert name != "deep" or needs_network(FACTORIES[name].load()(precision="bfloat16"))


def test_settings_come_back_through_json(name):
    for representation in (FACTORIES[name].load()(), make(name)):
        read = json.loads(json.dumps(representation.settings, allow_nan=False))
        again = FACTORIES[name].load()(**read)
        assert again.settings == representation.settings
        assert json.loads(json.dumps(again.settings)) == read


def test_a_misspelt_setting_is_an_error_that_names_it(name):
    misspelt = next(iter(make(name).settings)) + "x"
    # A setting that nobody knows is a mistake of the caller's, as a keyword of any function is.
    with pytest.raises((ValueError, TypeError), match=misspelt):
        FACTORIES[name].load()(**{misspelt: 3})


def test_nothing_is_encoded_before_there_is_something_learnt(name):
    representation = make(name)
    if representation.n_fit_pictures:
        assert not representation.is_fitted
        for call in (
            representation.learnt,
            representation.make_ranker,
            lambda: representation.encode(PICTURES[0]),
        ):
            with pytest.raises(FitError, match=name):
                call()


def test_fitting_twice_equals_fitting_once(name, fitted):
    twice = make(name).fit(PICTURES[:4])
    before = digest(twice) == digest(fitted)
    assert digest(twice.fit(PICTURES)) == digest(fitted)
    # Of so few pictures deep takes no mean away, and learns nothing.
    assert before == (fitted.n_fit_pictures == 0 or name == "deep")


def test_fit_is_learn_after_sample(name, fitted):
    representation = make(name)
    samples = [representation.sample(p) for p in PICTURES]
    assert all(not array.dtype.hasobject for sample in samples for array in sample.values())
    assert digest(representation.learn(iter(samples))) == digest(fitted)


def test_what_was_learnt_comes_back_from_disk(name, fitted, tmp_path):
    save_arrays(tmp_path / "model", fitted.learnt())
    for mmap in (True, False):
        assert digest(make(name).restore(load_arrays(tmp_path / "model", mmap))) == digest(fitted)


def test_arrays_of_something_else_are_not_taken_back(name):
    with pytest.raises(IndexFolderError, match="index again"):
        make(name).restore({"shapes_centers": np.zeros((3, 4), np.float32)})


def test_an_encoding_is_what_its_contract_says(fitted, encodings):
    for encoding in encodings:
        vector = encoding.vector
        assert np.isfinite(dense(encoding)).all()
        assert np.linalg.norm(dense(encoding)) == pytest.approx(1, abs=1e-5)
        if isinstance(vector, SparseVector):
            assert (vector.indices.dtype, vector.values.dtype) == (np.uint32, np.float32)
            assert (np.diff(vector.indices.astype(np.int64)) > 0).all()
            assert (vector.values != 0).all()
        else:
            assert vector.dtype == np.float32
    sizes = {len(dense(e)) for e in encodings}
    assert len(sizes) == 1


def test_evidence_lies_within_the_original_picture(encodings):
    for described, encoding in zip(PICTURES, encodings, strict=True):
        if encoding.evidence is not None:
            assert encoding.evidence.dtype == encodings[0].evidence.dtype
        if (found := points(encoding)) is not None:
            check_evidence(found, described)
            assert len(found) > 10


def check_evidence(evidence: np.ndarray, described: Picture) -> None:
    assert evidence.ndim == 1
    assert not evidence.dtype.hasobject
    for column, extent in zip(("row", "col"), described.shape, strict=True):
        assert ((evidence[column] >= 0) & (evidence[column] <= extent - 1)).all()


def test_evidence_fills_a_picture_that_was_shrunk(fitted):
    # Scaled wrongly, points would stay in the upper left corner, or leave the picture.
    large = Picture(np.kron(blobs_and_stripes(3, (60, 80)).pixels, np.ones((4, 4), np.float32)))
    evidence = points(fitted.encode(large))
    if evidence is not None:
        assert evidence["row"].max() > 180
        assert evidence["col"].max() > 240


def test_the_picture_is_unchanged(fitted):
    for original in PICTURES[:2]:
        frozen = replace(original, pixels=original.pixels.copy())
        frozen.pixels.flags.writeable = False
        fitted.sample(frozen)
        fitted.encode(frozen)
        fitted.encode_query(frozen, Region.box(5, 5, 30, 30))
        np.testing.assert_array_equal(frozen.pixels, original.pixels)


def test_what_a_header_says_besides_the_spacing_changes_nothing(fitted, encodings):
    about = {"id": "other/7.dcm#3", "groups": {"patient": "7"}, "metadata": {"modality": "MR", "rows": 9}}
    assert bits(fitted.encode(replace(PICTURES[0], **about))) == bits(encodings[0])


def test_the_order_of_pictures_is_irrelevant(fitted, encodings):
    backwards = [fitted.encode(p) for p in reversed(PICTURES)]
    assert [bits(e) for e in reversed(backwards)] == [bits(e) for e in encodings]


def test_the_whole_image_region_equals_no_region(fitted, encodings):
    for described, encoding in zip(PICTURES, encodings, strict=True):
        assert bits(fitted.encode(described, Region.whole(described.shape))) == bits(encoding)


@pytest.mark.parametrize("shape", [(97, 131), (3, 500), (1, 10000), (1000, 7), (255, 254)])
def test_the_whole_image_region_equals_no_region_however_a_picture_is_shrunk(fitted, shape):
    described = blobs_and_stripes(5, shape)
    encoding = fitted.encode(described)
    assert bits(fitted.encode(described, Region.whole(shape))) == bits(encoding)
    if (found := points(encoding)) is not None:
        check_evidence(found, described)


def test_a_region_without_a_pixel_is_empty(fitted):
    for region in (
        Region.box(500, 500, 20, 20),
        Region.box(-60, -60, 30, 30),
        Region.box(9.1, 9.1, 0.2, 0.2),
    ):
        for encode in (fitted.encode, fitted.encode_query):
            encoding = encode(PICTURES[3], region)
            assert not dense(encoding).any()
            assert encoding.evidence is None or len(encoding.evidence) == 0


def test_a_region_is_described_by_what_lies_within(fitted, encodings):
    region = Region.box(10, 20, 40, 50)
    encoding = fitted.encode(PICTURES[0], region)
    assert np.linalg.norm(dense(encoding)) == pytest.approx(1, abs=1e-5)
    assert bits(encoding) != bits(encodings[0])
    if encoding.evidence is not None:
        assert len(encoding.evidence) > 0
        assert region.contains(encoding.evidence["row"], encoding.evidence["col"]).all()


def test_pixels_outside_a_region_of_a_picture_do_not_matter_where_there_is_no_evidence(fitted, encodings):
    changed = PICTURES[2].pixels.copy()
    changed[60:] = 0.5
    region = Region.box(0, 0, 60, 97)
    if encodings[2].evidence is None:
        assert bits(fitted.encode(Picture(changed), region)) == bits(fitted.encode(PICTURES[2], region))


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_picture_is_described_or_empty_and_never_nan(fitted, encodings, odd):
    described = Picture(np.ascontiguousarray(ODD[odd], dtype=np.float32))
    fitted.sample(described)
    for encoding in (fitted.encode(described), fitted.encode_query(described)):
        length = np.linalg.norm(dense(encoding))
        assert length == 0 or length == pytest.approx(1, abs=1e-5)
        assert len(dense(encoding)) == len(dense(encodings[0]))
        if encoding.evidence is not None:
            assert encoding.evidence.dtype == encodings[0].evidence.dtype
            if points(encoding) is not None:
                check_evidence(encoding.evidence, described)
            assert all(
                np.isfinite(encoding.evidence[column]).all() for column in encoding.evidence.dtype.names
            )


def test_constant_pictures_have_no_evidence(fitted):
    for odd in ("constant", "black", "constant colour", "one pixel"):
        evidence = points(fitted.encode(Picture(ODD[odd].astype(np.float32))))
        assert evidence is None or len(evidence) == 0


def test_a_sample_may_hold_odd_pictures(name, fitted):
    odd = [Picture(np.ascontiguousarray(pixels, dtype=np.float32)) for pixels in ODD.values()]
    assert make(name).fit([*odd, *PICTURES]).is_fitted


def test_the_query_itself_comes_first(fitted, ranker):
    for id, described in enumerate(PICTURES):
        ranking = ranker.rank(fitted.encode_query(described).vector, len(PICTURES))
        assert ranking.ids[0] == id
        assert ranking.scores[0] == pytest.approx(1, abs=1e-5)
        assert len(ranking) == len(PICTURES)


def test_what_is_empty_scores_zero_and_sparse_vectors_put_it_last(fitted, encodings):
    nothing = fitted.encode(PICTURES[0], Region.box(500, 500, 5, 5)).vector
    filled = fitted.make_ranker()
    filled.add(np.arange(len(PICTURES) + 1), [*(e.vector for e in encodings), nothing])
    ranking = filled.rank(encodings[0].vector, 99)
    scores = dict(zip(ranking.ids.tolist(), ranking.scores.tolist(), strict=True))
    assert scores[len(PICTURES)] == 0
    assert not filled.rank(nothing, 99).scores.any()
    if isinstance(nothing, SparseVector):
        assert ranking.ids[-1] == len(PICTURES)


def test_its_ranker_ranks_the_same_from_disk(fitted, encodings, ranker, tmp_path):
    ranker.save(tmp_path / "segment")
    opened = fitted.open_ranker([tmp_path / "segment"])
    for encoding in encodings:
        before, after = ranker.rank(encoding.vector, 5), opened.rank(encoding.vector, 5)
        np.testing.assert_array_equal(before.ids, after.ids)
        np.testing.assert_array_equal(before.scores, after.scores)


def test_a_grey_picture_and_its_copy_in_colour_are_alike(fitted, encodings):
    copy = Picture(np.repeat(PICTURES[0].pixels[..., None], 3, axis=2))
    in_colour = dense(fitted.encode(copy))
    scores = [dense(e) @ in_colour for e in encodings]
    assert np.argmax(scores) == 0
    assert scores[0] > 0.9


def candidates(encodings: list[Encoding], chosen: list[int]) -> Candidates:
    """Put the evidence of chosen pictures end to end; their first scores fall."""
    parts = [encodings[i].evidence for i in chosen]
    offsets = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    shapes = np.array([PICTURES[i].shape for i in chosen], dtype=np.int64)
    scores = np.linspace(0.9, 0.1, len(chosen), dtype=np.float32)
    return Candidates(np.concatenate(parts), offsets, shapes, scores)


def test_a_region_looks_at_no_fewer_pictures_than_a_whole_one(fitted):
    if isinstance(fitted, Locator):
        whole, region = fitted.n_candidates(False), fitted.n_candidates(True)
        assert whole is None or whole >= 0
        assert region is None or (whole is not None and region >= max(1, whole))


def test_what_is_located_lies_within_its_pictures(fitted, encodings):
    if not isinstance(fitted, Locator):
        return
    among = candidates(encodings, [4, 0, 7])
    region = Region.box(10, 20, 40, 50)
    for part in (None, region):
        located = fitted.locate(fitted.encode_query(PICTURES[0], part), PICTURES[0].shape, part, among)
        assert (located.scores.shape, located.scores.dtype) == ((3,), np.float32)
        assert (located.boxes.shape, located.boxes.dtype) == ((3, 4), np.float32)
        assert (located.n_inliers.shape, located.n_inliers.dtype) == ((3,), np.int32)
        assert np.isfinite(located.scores).all()
        assert (located.n_inliers >= 0).all()
        known = ~np.isnan(located.boxes).any(axis=1)
        corners, sizes = located.boxes[known, :2], located.boxes[known, 2:]
        assert (corners >= 0).all()
        assert (sizes > 0).all()
        assert (corners + sizes <= among.sizes[known] + 1e-3).all()
        assert not located.n_inliers[~known].any()


def test_a_region_is_located_in_its_own_picture(fitted, encodings):
    if not isinstance(fitted, Locator):
        return
    among = candidates(encodings, [4, 0, 7])
    region = Region.box(10, 20, 40, 50)
    located = fitted.locate(fitted.encode_query(PICTURES[0], region), PICTURES[0].shape, region, among)
    assert not located.n_inliers.any() or np.argmax(located.n_inliers) == 1
    row, col, height, width = located.boxes[1].tolist()
    both = max(0, min(row + height, 50) - max(row, 10)) * max(0, min(col + width, 70) - max(col, 20))
    assert both / (height * width + 2000 - both) > 0.25


def test_locating_twice_is_the_same_and_leaves_the_evidence_as_it_was(fitted, encodings):
    if not isinstance(fitted, Locator):
        return
    among, region = candidates(encodings, [0, 1, 2]), Region.box(10, 20, 40, 50)
    before = among.evidence.tobytes()
    query = fitted.encode_query(PICTURES[0], region)
    first, second = (fitted.locate(query, PICTURES[0].shape, region, among) for _ in range(2))
    assert first.scores.tobytes() == second.scores.tobytes()
    assert first.boxes.tobytes() == second.boxes.tobytes()
    assert among.evidence.tobytes() == before


AGAIN = """
from representation_contract import FACTORIES, PICTURES, digest, make
for name in FACTORIES:
    print(digest(make(name).fit(PICTURES)))
"""


def test_another_process_with_other_threads_agrees_to_the_last_bit(tmp_path):
    # The other process imports a copy of this file, which lies in no package.
    (tmp_path / "representation_contract.py").write_text(Path(__file__).read_text("utf-8"), encoding="utf-8")
    places = os.pathsep.join([str(tmp_path), *sys.path])
    fresh = {**os.environ, "PYTHONPATH": places, "PYTHONHASHSEED": "7", "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", AGAIN],
        env={**fresh, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [digest(make(name).fit(PICTURES)) for name in FACTORIES]


REUSING, REMEMBERING = {"superpixel", "dense", "sift"}, {"deep"}
"""Those that describe an image before what they have learnt is asked for, and those that encode to learn."""


def test_these_describe_images_once(name: str) -> None:
    made = make(name)
    assert isinstance(made, Reusing) == (name in REUSING)
    assert isinstance(made, Remembering) == (name in REMEMBERING)


@pytest.mark.parametrize("name", sorted(REUSING), scope="module")
def test_a_description_is_as_good_as_the_image(fitted: Representation) -> None:
    fresh = make(fitted.name)
    assert isinstance(fresh, Reusing) and isinstance(fitted, Reusing)
    for picture in (*PICTURES[:4], Picture(np.zeros((30, 40), np.float32))):
        described = fresh.describe(picture)
        own = fitted.sample(picture)
        drawn = fresh.sample_of(described)
        assert list(drawn) == list(own)
        assert all(array.tobytes() == own[name].tobytes() for name, array in drawn.items())
        assert bits(fitted.encode_described(described)) == bits(fitted.encode(picture))


@pytest.mark.parametrize("name", sorted(REMEMBERING), scope="module")
def test_what_is_remembered_changes_no_encoding(name: str) -> None:
    learnt = make(name, cells=0).fit(PICTURES)
    fresh = make(name, cells=0).restore(learnt.learnt())
    # Those that it learnt from, and others.
    pictures = [*PICTURES[:3], blobs_and_stripes(99, (70, 90))]
    before = [bits(fresh.encode(picture)) for picture in pictures]
    assert isinstance(learnt, Remembering) and isinstance(fresh, Remembering)
    again = fresh.recall(learnt.remembered())
    assert [bits(again.encode(picture)) for picture in pictures] == before
