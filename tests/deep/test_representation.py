"""The deep embedding: its settings, its weights in an index, its queries; torch only where it is needed."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from support.embedders import blobs, tiny, write_tiny  # noqa: E402

import deep  # noqa: E402
from deep.networks import registry, weight_files, weights  # noqa: E402
from deep.representation import DeepEmbedding  # noqa: E402
from retrieval.errors import FitError, IndexFolderError, SemblanceError, SettingError  # noqa: E402
from retrieval.index import Index  # noqa: E402
from retrieval.index.catalogue.recipe import with_settings  # noqa: E402
from retrieval.index.writer import IndexWriter  # noqa: E402
from retrieval.picture import Picture  # noqa: E402
from retrieval.region import Region  # noqa: E402
from retrieval.representation import Adjustable, BatchEncoder  # noqa: E402

FACTORIES = {"deep": deep.deep}
PICTURES = [blobs(seed) for seed in range(12)]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(scope="module")
def fitted(path):
    # In bfloat16 what else is in a batch may move the last digits.
    return deep.deep(weights=path, precision="float32").fit([])


@pytest.fixture(scope="module")
def upright(path):
    """Return an embedder that sees images as they are alone."""
    return deep.deep(weights=path, symmetries=1).fit([])


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "pictures"
    place.mkdir()
    for i in range(5):
        assert cv2.imwrite(str(place / f"{i}.png"), (blobs(i, (64, 64)).pixels * 255).astype(np.uint8))
    return place


def made(place, folder, **settings):
    with IndexWriter.create(place, factories=FACTORIES) as index:
        index.add_representation(deep.deep(**settings))
        index.update([folder], jobs=1)
    return place


def test_the_weights_are_kept_as_their_hash_and_the_side_is_theirs(path):
    settings = deep.deep(weights=path).settings
    assert settings["weights"] == weight_files.fingerprint(Path(path).read_bytes())
    assert settings["side"] == 32
    assert deep.deep(**settings).settings == settings
    assert deep.deep(weights=path, side=64).side == 64


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"weigths": "x"}, "did you mean weights"),
        ({"model": "resnet18"}, "timm/NAME"),
        ({"side": 8}, "side: 8"),
        ({"components": -1}, "components -1"),
        ({"whitening": 2.0}, "whitening 2.0"),
        ({"fit_pictures": 1}, "fit_pictures 1"),
        ({"precision": "float16"}, "precision: 'float16'"),
        ({"orientations": 3}, "orientations: 3"),
        ({"symmetries": 0}, "symmetries: 0"),
        ({"model": "timm/small", "projected": False}, "projected: timm/small"),
        ({"scales": []}, "scales"),
        ({"scales": [9.0]}, "scales"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(path, wrong, said):
    with pytest.raises(SettingError, match=said):
        deep.deep(**{"weights": path, **wrong})


def test_weights_that_are_missing_or_damaged_are_refused_at_once(tmp_path):
    (tmp_path / "junk").write_bytes(b"junk")
    for name in ("junk", "missing"):
        with pytest.raises(SettingError, match=name):
            deep.deep(weights=str(tmp_path / name))


def test_weights_that_change_before_they_are_learnt_are_refused(tmp_path):
    path = write_tiny(tmp_path / "a", seed=1)
    representation = deep.deep(weights=path)
    write_tiny(tmp_path / "a", seed=2)
    with pytest.raises(SettingError, match="changed meanwhile"):
        representation.fit([])
    assert not representation.is_fitted


def test_a_hash_alone_cannot_be_learnt():
    with pytest.raises(SettingError, match="--weights FILE"):
        deep.deep(weights="sha256:00").fit([])


def test_it_is_run_in_batches_and_adjusted_for_queries(fitted):
    assert isinstance(fitted, BatchEncoder)
    assert isinstance(fitted, Adjustable)


def test_a_batch_of_prepared_pictures_equals_one_by_one(fitted):
    together = fitted.encode_prepared([fitted.prepare(p) for p in PICTURES])
    for encoding, picture in zip(together, PICTURES, strict=True):
        np.testing.assert_allclose(encoding.vector, fitted.encode(picture).vector, atol=1e-6)
    assert fitted.encode_prepared([]) == []


def test_embeddings_are_those_of_the_network(path):
    representation = deep.deep(weights=path, precision="float32", symmetries=1).fit([])
    with torch.inference_mode():
        pixels = torch.from_numpy(representation.prepare(PICTURES[0])).float()[None] / 255
        expected = weights.load(path)(pixels)[0].numpy()
    np.testing.assert_allclose(representation.encode(PICTURES[0]).vector, expected, atol=1e-5)


def test_a_region_is_not_the_picture_and_its_outside_does_not_matter(fitted):
    triangle = Region((np.array([[4.0, 4.0], [4.0, 40.0], [40.0, 4.0]]),))
    found = fitted.encode(PICTURES[0], triangle).vector
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    assert np.abs(found - fitted.encode(PICTURES[0]).vector).max() > 1e-3
    outside = PICTURES[0].pixels.copy()
    outside[~triangle.mask(outside.shape)] = 0.9
    np.testing.assert_array_equal(fitted.encode(Picture(outside), triangle).vector, found)


def test_a_whitening_is_learnt_and_comes_back(path):
    whitened = deep.deep(weights=path, components=4, fit_pictures=12).fit(PICTURES)
    vectors = np.stack([whitened.encode(p).vector for p in PICTURES])
    assert vectors.shape == (12, 4)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    again = deep.deep(**whitened.settings).restore(whitened.learnt())
    np.testing.assert_array_equal(np.stack([again.encode(p).vector for p in PICTURES]), vectors)
    assert again.make_ranker() is not None


def test_the_mean_of_many_pictures_is_taken_away(path):
    pictures = [blobs(seed) for seed in range(40)]
    plain = deep.deep(weights=path, precision="float32", centred=False, symmetries=1).fit([])
    embeddings = np.stack([plain.encode(p).vector for p in pictures])
    centred = deep.deep(weights=path, precision="float32", symmetries=1).fit(pictures)
    expected = embeddings - embeddings.mean(axis=0)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = np.stack([centred.encode(p).vector for p in pictures])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    again = deep.deep(**centred.settings).restore(centred.learnt())
    np.testing.assert_array_equal(again.encode(pictures[0]).vector, found[0])


def test_a_mean_of_few_pictures_is_not(path):
    plain = deep.deep(weights=path, centred=False).fit([])
    few = deep.deep(weights=path).fit(PICTURES)
    np.testing.assert_array_equal(few.encode(PICTURES[0]).vector, plain.encode(PICTURES[0]).vector)


def test_what_learns_says_so_before_it_is_asked_to_encode(path):
    for settings in ({}, {"components": 4}):
        with pytest.raises(FitError, match="call fit first"):
            deep.deep(weights=path, **settings).load().encode(PICTURES[0])


def test_a_whitening_of_too_few_pictures_is_refused(path):
    representation = deep.deep(weights=path, components=4)
    for few in ([], PICTURES[:1]):
        with pytest.raises(FitError, match="too few"):
            representation.fit(few)


def test_what_was_not_learnt_with_these_settings_is_not_taken_back(path, fitted, tmp_path):
    other = np.frombuffer(Path(write_tiny(tmp_path / "other", seed=1)).read_bytes(), np.uint8)
    for arrays in ({}, {"weights": other}, {**fitted.learnt(), "more": other}):
        with pytest.raises(IndexFolderError, match="index again"):
            deep.deep(**fitted.settings).restore(arrays)
    with pytest.raises(IndexFolderError, match="index again"):
        deep.deep(weights=path, components=4).restore(fitted.learnt())


def test_a_network_that_overflows_is_an_error_and_never_nan(tmp_path):
    network = tiny()
    network.stem[0][0].weight.data *= 1e38
    weights.save(tmp_path / "large", network)
    with pytest.raises(SemblanceError, match="not finite"):
        deep.deep(weights=str(tmp_path / "large")).fit([]).encode(PICTURES[0])


def test_a_turned_or_flipped_copy_is_found_by_its_orientation(path, folder, tmp_path):
    place = made(tmp_path / "i", folder, weights=path, symmetries=1)
    with Index.open(place, factories=FACTORIES) as index:
        original = index.read("2.png").pixels
        for copy in (np.rot90(original), np.rot90(original, 2), original[:, ::-1], np.rot90(original)[::-1]):
            query = Picture(np.ascontiguousarray(copy))
            best = index.query(query, k=1, adjust={"orientations": 8})[0]
            assert (best.id, best.score >= 0.999) == ("2.png", True)
            (plain,) = (hit for hit in index.query(query, k=5) if hit.id == "2.png")
            assert plain.score < best.score


def test_a_region_is_found_in_a_turned_copy_and_asks_at_all_scales(path, folder, tmp_path):
    place = made(tmp_path / "i", folder, weights=path, symmetries=1, cells=3)
    with Index.open(place, factories=FACTORIES) as index:
        pixels = index.read("2.png").pixels
        half, n = pixels.shape[0] // 2, pixels.shape[0]
        turned = Picture(np.ascontiguousarray(np.rot90(pixels)))
        asked = {"k": 5, "region": Region.box(n - half, 0, half, half)}  # the upper left quarter, turned
        plain, best, larger = (
            {hit.id: hit for hit in index.query(turned, adjust=adjust, **asked)}["2.png"]
            for adjust in ({}, {"orientations": 4}, {"scales": [2.0]})
        )
        assert best.score >= 0.999 and best.box == pytest.approx((0, 0, half, half), abs=8)
        assert plain.score < 0.997
        assert abs(larger.score - plain.score) > 1e-4


def test_orientations_are_those_that_are_asked_for(upright):
    square = blobs(1, (64, 64))
    shapes = [upright.adjusted(orientations=n).encode_query(square).vector.shape for n in (1, 2, 4, 8)]
    assert shapes == [(16,), (2, 16), (4, 16), (8, 16)]
    of_eight = upright.adjusted(orientations=8).encode_query(square).vector
    assert len(np.unique(of_eight.round(4), axis=0)) == 8
    np.testing.assert_allclose(of_eight[0], upright.encode(square).vector, atol=1e-6)
    mirrored = upright.encode(Picture(np.ascontiguousarray(square.pixels[:, ::-1]))).vector
    of_two = upright.adjusted(orientations=2).encode_query(square).vector
    np.testing.assert_allclose(of_two[1], mirrored, atol=1e-6)


def seen(picture, flip, turns):
    """Return an image mirrored or not, and turned by quarters."""
    pixels = picture.pixels[:, ::-1] if flip else picture.pixels
    return Picture(np.ascontiguousarray(np.rot90(pixels, turns)))


@pytest.mark.parametrize(
    ("symmetries", "same"), [(2, [(1, 0)]), (4, [(0, 1), (0, 3)]), (8, [(0, 2), (1, 1)])]
)
def test_images_that_a_symmetry_maps_to_each_other_are_the_same(path, symmetries, same):
    embedder = deep.deep(weights=path, symmetries=symmetries, precision="float32").fit([])
    square = blobs(1, (32, 32))
    whole = embedder.encode(square).vector
    for flip, turns in same:
        np.testing.assert_allclose(embedder.encode(seen(square, flip, turns)).vector, whole, atol=1e-5)
    triangle = Region((np.array([[4.0, 4.0], [4.0, 28.0], [28.0, 4.0]]),))
    mirrored = Region((np.array([[4.0, 28.0], [4.0, 4.0], [28.0, 28.0]]),))
    if symmetries != 4:
        one, other = embedder.encode(square, triangle), embedder.encode(seen(square, True, 0), mirrored)
        assert float(one.vector @ other.vector) > 0.99
    if symmetries == 2:
        assert np.abs(embedder.encode(seen(square, False, 1)).vector - whole).max() > 1e-3


def test_the_mean_over_the_mirror_image_is_that_of_both_embeddings(path, upright):
    square = blobs(1, (32, 32))
    both = [upright.encode(seen(square, flip, 0)).vector for flip in (False, True)]
    expected = np.sum(both, axis=0) / np.linalg.norm(np.sum(both, axis=0))
    np.testing.assert_allclose(deep.deep(weights=path).fit([]).encode(square).vector, expected, atol=1e-5)


def test_pooled_levels_rank_and_projected_windows_locate(path, folder, tmp_path):
    settings = {"weights": path, "projected": False, "precision": "float32"}
    levels = deep.deep(**settings, symmetries=1, centred=False).fit([])
    square, network = PICTURES[0], weights.load(path)
    with torch.inference_mode():
        pixels = torch.from_numpy(levels.prepare(square)).float()[None] / 255
        expected = torch.nn.functional.normalize(network.pool(network.maps(pixels)))[0].numpy()
    found = levels.encode(square)
    np.testing.assert_allclose(found.vector, expected, atol=1e-5)
    assert (levels.dimension, found.evidence["values"].shape[1]) == (len(expected), 16)
    again = deep.deep(**settings).fit([blobs(seed) for seed in range(40)])
    assert set(again.learnt()) == {"weights", "centre", "window_centre"}
    restored = deep.deep(**again.settings).restore(again.learnt())
    np.testing.assert_array_equal(restored.encode(square).vector, again.encode(square).vector)
    with Index.open(made(tmp_path / "i", folder, **settings), factories=FACTORIES) as index:
        assert index.query(index.read("2.png"), k=1)[0].score == pytest.approx(1, abs=1e-5)
        (hit,) = index.query(index.read("2.png"), k=1, region=Region.box(16, 16, 32, 32))
        assert (hit.id, hit.box is not None) == ("2.png", True)
        for asked in ("2.png", index.read("2.png")):
            heat = index.explain(asked, "2.png").explanation.heat
            assert heat.max() > heat.min()


def test_an_index_of_a_version_without_symmetries_keeps_its_recipe(path, folder, tmp_path):
    place = made(tmp_path / "i", folder, weights=path, symmetries=1)
    with IndexWriter.open(place, factories=FACTORIES) as index:
        (stored,) = index.info()["representations"]
        assert not {"symmetries", "projected"} & set(stored["settings"])
        assert index.query(index.read("1.png"), k=1)[0].score == pytest.approx(1, abs=1e-5)
        with pytest.raises(IndexFolderError, match="symmetries"):
            index.add_representation(deep.deep(weights=path))
    # The order of a command line names the representation again, and leaves the rest as it is.
    assert with_settings("deep", {}, stored["settings"])["symmetries"] == 1


def test_scales_are_added_up(fitted):
    one, two, both = (
        fitted.adjusted(scales=scales).encode_query(PICTURES[0]).vector
        for scales in ([1.0], [2.0], [1.0, 2.0])
    )
    np.testing.assert_allclose(both, (one + two) / np.linalg.norm(one + two), atol=1e-6)
    assert np.abs(one - two).max() > 1e-4


def test_adjusting_leaves_the_original_alone(fitted):
    with pytest.raises(SettingError, match="orientations"):
        fitted.adjusted(orientations=5)
    fitted.adjusted(orientations=8)
    assert fitted.settings["orientations"] == 1


def test_other_weights_of_equal_dimension_are_refused_for_an_old_index(path, folder, tmp_path):
    place = made(tmp_path / "i", folder, weights=path)
    other = write_tiny(tmp_path / "other.safetensors", seed=9)
    with IndexWriter.open(place, factories=FACTORIES) as index:
        for settings, named in (
            ({"weights": other}, "weights"),
            ({"weights": path, "side": 64}, "side"),
            ({"weights": path, "precision": "float32"}, "precision"),
        ):
            with pytest.raises(IndexFolderError, match=rf"deep: {named} is .*index"):
                index.add_representation(deep.deep(**settings))
        assert index.query("0.png", k=1)[0].id == "0.png"


def test_the_same_weights_under_another_name_are_the_same(path, folder, tmp_path):
    place = made(tmp_path / "i", folder, weights=path)
    copy = tmp_path / "elsewhere.bin"
    copy.write_bytes(Path(path).read_bytes())
    with IndexWriter.open(place, factories=FACTORIES) as index:
        index.add_representation(deep.deep(weights=str(copy)))
        assert index.representations == ["deep"]


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"junk")])
def test_an_index_answers_when_its_weight_file_is_gone_or_changed(folder, tmp_path, change):
    path = Path(write_tiny(tmp_path / "mine.safetensors", seed=4))
    place = made(tmp_path / "i", folder, weights=str(path))
    change(path)
    extra = folder / "more.png"
    assert cv2.imwrite(str(extra), (blobs(77, (64, 64)).pixels * 255).astype(np.uint8))
    with IndexWriter.open(place, factories=FACTORIES) as index:
        index.update([folder], jobs=1)
        best = index.query(index.read("more.png"), k=1)[0]
    assert (best.id, best.score) == ("more.png", pytest.approx(1, abs=1e-5))


def run_python(code, *arguments):
    """Run code in a process of its own that finds what this one finds."""
    places = os.pathsep.join(sys.path)
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": places, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


AGAIN = """
import sys, hashlib
import deep
from support.embedders import blobs
fitted = deep.deep(weights=sys.argv[1]).fit([])
print(hashlib.sha256(b"".join(fitted.encode(blobs(seed)).vector.tobytes() for seed in range(4))).hexdigest())
"""


def test_two_processes_agree(path):
    first, second = run_python(AGAIN, path), run_python(AGAIN, path)
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout != ""


LIGHT = """
import sys
import numpy as np
import deep
from deep.networks import weight_files
from retrieval.picture import Picture
picture = Picture(np.zeros((9, 9), np.float32))
plain = deep.deep(weights=sys.argv[1])
plain.sample(picture)
assert deep.deep(weights=sys.argv[1], components=4).sample(picture)["square"].shape == (3, 32, 32)
weights = np.frombuffer(weight_files.read(sys.argv[1]), np.uint8)
learnt = {"weights": weights, "centre": np.zeros(16, np.float32)}
plain.restore(learnt)
assert plain.prepare(picture).shape == (3, 32, 32)
assert not {"torch", "safetensors"} & set(sys.modules), "loaded"
plain.encode_query(picture)
assert not {"torch", "safetensors"} & set(sys.modules), "loaded for a query"
deep.deep(weights=sys.argv[1], precision="bfloat16").restore(learnt).encode(picture)
assert "torch" in sys.modules
"""


def test_torch_is_loaded_where_it_is_needed_and_not_before(path):
    done = run_python(LIGHT, path)
    assert done.returncode == 0, done.stderr


WITHOUT = """
import sys
class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Nowhere())
import deep
from retrieval.errors import SettingError
try:
    deep.deep(weights=sys.argv[1], precision="bfloat16").fit([])
except SettingError as error:
    print(error)
"""


def test_without_torch_the_remedy_is_named(path):
    done = run_python(WITHOUT, path)
    assert done.returncode == 0, done.stderr
    assert "pip install 'semblance[deep]'" in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("is_quick", [False, True])
def test_images_are_encoded_where_it_is_quicker_and_come_out_the_same(
    path, folder, tmp_path, monkeypatch, is_quick
):
    monkeypatch.setattr(registry, "quickens_torch", lambda precision: is_quick)
    assert deep.deep(weights=path).in_batches is is_quick
    batches, encode = [], DeepEmbedding.encode_prepared
    monkeypatch.setattr(
        DeepEmbedding, "encode_prepared", lambda self, all: batches.append(len(all)) or encode(self, all)
    )
    place = made(tmp_path / "i", folder, weights=path, precision="float32")
    with Index.open(place, factories=FACTORIES) as index:
        picture = index.read("2.png")
        # By torch in this process, or by numpy in the one that read it; asked by numpy.
        assert index.query(picture, k=1)[0].score == pytest.approx(1, abs=1e-5)
    assert bool(batches) is is_quick
