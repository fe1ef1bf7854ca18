"""Window embeddings: parts of images are embedded with them, and found by the region of a query."""

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from support.embedders import blobs, write_tiny  # noqa: E402

import deep  # noqa: E402
from deep.networks import weights  # noqa: E402
from deep.networks.embedder import gem, gem_windows  # noqa: E402
from deep.networks.inference import OwnNetwork, TorchRunner  # noqa: E402
from deep.regions import window_embeddings  # noqa: E402
from retrieval.errors import SettingError  # noqa: E402
from retrieval.evidence.localization import Candidates, Locator  # noqa: E402
from retrieval.index import Index  # noqa: E402
from retrieval.index.catalogue.recipe import recipe_settings  # noqa: E402
from retrieval.index.writer import IndexWriter  # noqa: E402
from retrieval.picture import Picture  # noqa: E402
from retrieval.region import Region  # noqa: E402

FACTORIES = {"deep": deep.deep}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("weights") / "tiny.safetensors", side=96)


@pytest.fixture(scope="module")
def fitted(path):
    return deep.deep(weights=path, precision="float32").fit([])


def overlap(one, other):
    ends = np.minimum(one[:2] + one[2:], other[:2] + other[2:]) - np.maximum(one[:2], other[:2])
    shared = np.clip(ends, 0, None).prod()
    return shared / (one[2:].prod() + other[2:].prod() - shared)


@pytest.mark.parametrize(("n", "k"), [(0, 0), (1, 9), (2, 34), (3, 115), (4, 119), (5, 219)])
def test_windows_lie_within_the_picture_and_cover_it(n, k):
    found = window_embeddings.windows(n)
    assert found.shape == (k, 4)
    assert (found >= 0).all()
    assert (found[:, :2] + found[:, 2:] <= 1 + 1e-6).all()
    rows, cols = np.meshgrid(np.linspace(0.01, 0.99, 23), np.linspace(0.01, 0.99, 23))
    for row, col in zip(rows.ravel(), cols.ravel(), strict=True) if n else ():
        inside = (found[:, :2] <= (row, col)) & ((row, col) <= found[:, :2] + found[:, 2:])
        assert inside.all(axis=1).sum() >= n


def test_more_scales_leave_the_windows_of_fewer_as_they_were():
    for n in range(1, 5):
        fewer = window_embeddings.windows(n)
        np.testing.assert_array_equal(window_embeddings.windows(5)[: len(fewer)], fewer)


def test_an_index_of_three_scales_goes_on_with_three(tmp_path, path):
    for i in range(3):
        assert cv2.imwrite(str(tmp_path / f"{i}.png"), np.uint8(255 * scene(i, None)))
    with IndexWriter.create(tmp_path / "i", factories=FACTORIES) as index:
        index.add_representation(deep.deep(weights=path, cells=3))
        index.update([tmp_path], jobs=1)
    with Index.open(tmp_path / "i", factories=FACTORIES) as index:
        assert index.representation("deep").settings["cells"] == 3
        hits = index.query(Picture(scene(0, None)), k=3, region=Region.box(60, 30, 60, 60))
    assert all(hit.box is not None for hit in hits)


def test_a_window_is_pooled_as_a_mask_of_the_same_place():
    maps = torch.rand(2, 5, 8, 8)
    windows = torch.tensor([[0.25, 0.5, 0.5, 0.25], [0.0, 0.0, 1.0, 1.0], [0.0625, 0.0, 0.25, 1.0]])
    found = gem_windows(maps, 3.0, windows)
    mask = torch.zeros(2, 1, 16, 16)
    mask[:, :, 4:12, 8:12] = 1
    torch.testing.assert_close(found[:, 0], gem(maps, 3.0, mask))
    torch.testing.assert_close(found[:, 1], gem(maps, 3.0))
    mask = torch.zeros(2, 1, 16, 16)
    mask[:, :, 1:5] = 1
    torch.testing.assert_close(found[:, 2], gem(maps, 3.0, mask))


def test_what_surrounds_a_window_is_pooled_without_it():
    maps = torch.rand(2, 5, 8, 8)
    window = torch.tensor([[0.25, 0.5, 0.25, 0.25]])
    around = torch.from_numpy(window_embeddings.surroundings(window.numpy()))
    np.testing.assert_allclose(around, [[0.125, 0.375, 0.5, 0.5]])
    mask = torch.zeros(2, 1, 16, 16)
    mask[:, :, 2:10, 6:14] = 1
    mask[:, :, 4:8, 8:12] = 0
    torch.testing.assert_close(gem_windows(maps, 3.0, around, window)[:, 0], gem(maps, 3.0, mask))


def test_a_region_differs_from_its_surroundings_as_a_window_of_the_same_place_does(path):
    contrasts = deep.deep(weights=path, surround=True, precision="float32").fit([])
    picture = Picture(scene(1, (60, 30)).astype(np.float32))
    rows, cols = picture.shape  # whose halves and tenths are whole pixels
    stored = contrasts.encode(picture).evidence["values"].astype(float)
    plain = deep.deep(weights=path, precision="float32").fit([]).encode(picture).evidence["values"]
    assert not np.array_equal(stored, plain)
    for i in [*range(9), *range(119, 219, 9)]:
        box = window_embeddings.windows(5)[i] * [rows, cols, rows, cols]
        asked = contrasts.encode_query(picture, Region.box(*box)).evidence["values"][0].astype(float)
        assert asked @ stored[i] / np.linalg.norm(asked) / np.linalg.norm(stored[i]) > 0.99


def test_surroundings_need_windows(path):
    with pytest.raises(SettingError, match="give cells 1 to 5"):
        deep.deep(weights=path, cells=0, surround=True)
    with pytest.raises(SettingError, match="leave surround off"):
        deep.deep(model="timm/resnet18", weights=path, surround=True)


def test_an_index_that_asks_for_no_surroundings_keeps_its_recipe(path):
    assert "surround" not in recipe_settings(deep.deep(weights=path))
    assert recipe_settings(deep.deep(weights=path, surround=True))["surround"] is True


def test_windows_are_embedded_of_pictures_alone_and_in_batches(fitted):
    pictures = [blobs(seed) for seed in range(3)]
    together = fitted.encode_prepared([fitted.prepare(p) for p in pictures])
    for picture, encoding in zip(pictures, together, strict=True):
        alone = fitted.encode(picture)
        assert alone.evidence.shape == encoding.evidence.shape == (219,)
        difference = alone.evidence["values"].astype(int) - encoding.evidence["values"]
        assert np.abs(difference).max() <= 1
        np.testing.assert_allclose(encoding.vector, alone.vector, atol=1e-5)


def test_the_window_of_the_whole_has_the_embedding_of_the_whole(path, fitted):
    square = fitted.prepare(blobs(1))
    runner = TorchRunner(OwnNetwork(weights.load(path)), "float32")
    whole, parts = runner.embed_parts(square[None], np.array([[0, 0, 1, 1]], dtype=np.float32))
    upright = deep.deep(weights=path, symmetries=1, precision="float32").fit([])
    np.testing.assert_allclose(whole[0], upright.encode(blobs(1)).vector, atol=1e-5)
    np.testing.assert_allclose(parts[0, 0], whole[0], atol=1e-5)


def test_without_window_embeddings_nothing_is_kept_and_no_region_is_located(path):
    plain = deep.deep(weights=path, cells=0).fit([])
    assert plain.encode(blobs(1)).evidence is None
    assert plain.n_candidates(True) == 0


def test_regions_alone_look_at_windows(fitted):
    assert isinstance(fitted, Locator)
    assert fitted.n_candidates(True) is None
    assert fitted.n_candidates(False) == 0


def test_other_networks_have_no_window_embeddings(path):
    with pytest.raises(SettingError, match="leave cells at 0"):
        deep.deep(model="timm/resnet18", weights=path, cells=2)
    assert deep.deep(model="timm/resnet18", weights=path).settings["cells"] == 0


def test_quantising_keeps_the_cosine():
    random = np.random.default_rng(0)
    rows = random.normal(size=(50, 192)).astype(np.float32)
    stored = window_embeddings.quantised(rows)["values"].astype(float)
    cosines = (stored * rows).sum(axis=1) / np.linalg.norm(stored, axis=1) / np.linalg.norm(rows, axis=1)
    assert cosines.min() > 0.9995
    assert not window_embeddings.quantised(np.zeros((1, 4), np.float32))["values"].any()


def test_images_without_window_embeddings_come_last_and_have_no_box(fitted):
    evidence = fitted.encode(blobs(1)).evidence
    candidates = Candidates(
        evidence, np.array([0, 219, 219]), np.array([[48, 64], [48, 64]]), np.zeros(2, np.float32)
    )
    query = fitted.encode_query(blobs(1), Region.box(0, 0, 24, 32))
    found = fitted.locate(query, (48, 64), Region.box(0, 0, 24, 32), candidates)
    assert found.scores[0] > found.scores[1] == -2
    assert np.isfinite(found.boxes[0]).all() and np.isnan(found.boxes[1]).all()


def scene(seed, spot):
    """Make a noisy picture with a checkered patch of 60 × 60 pixels at (row, col)."""
    random = np.random.default_rng(seed)
    pixels = cv2.GaussianBlur(random.random((200, 240), dtype=np.float32), (0, 0), 9)
    pixels = 0.35 + 0.3 * (pixels - pixels.min()) / np.ptp(pixels)
    if spot is not None:
        rows, cols = np.indices((60, 60)) // 10
        pixels[spot[0] : spot[0] + 60, spot[1] : spot[1] + 60] = (rows + cols) % 2
    return pixels


def test_a_region_is_found_where_it_is_in_other_pictures(tmp_path):
    folder = tmp_path / "scenes"
    folder.mkdir()
    spots = {f"{i}.png": spot for i, spot in enumerate([(10, 20), (120, 150), (70, 90), None, None, None])}
    for i, (name, spot) in enumerate(spots.items()):
        assert cv2.imwrite(str(folder / name), (scene(i, spot) * 255).astype(np.uint8))
    with IndexWriter.create(tmp_path / "i", factories=FACTORIES) as index:
        index.add_representation(deep.deep())
        index.update([folder], jobs=1)
        query = Picture(scene(9, (60, 30)).astype(np.float32), id="query")
        hits = index.query(query, k=6, region=Region.box(60, 30, 60, 60))
    assert [spots[hit.id] is not None for hit in hits] == [True] * 3 + [False] * 3
    for hit in hits[:3]:
        assert overlap(np.array(hit.box), np.array([*spots[hit.id], 60, 60])) >= 0.5
    assert all(hit.box is not None and hit.n_inliers == 0 for hit in hits)


def one_by_one(cosines, windows, loss):
    """Return score and place of one picture, as its definition says."""
    own = cosines - loss
    best = int(np.argmax(own))
    near = np.array(
        [own[i] >= own[best] - 0.05 and overlap(windows[i], windows[best]) >= 0.3 for i in range(len(own))]
    )
    weights = own[near] - (own[best] - 0.05) + 1e-6
    return own[best], (windows[near] * weights[:, None]).sum(axis=0) / weights.sum()


def test_all_pictures_at_once_are_located_as_each_by_itself(fitted):
    random = np.random.default_rng(0)
    k, n = 219, 7
    values = random.normal(size=(n * k + 3, 16)).astype(np.float32)
    evidence = window_embeddings.quantised(values)
    offsets = np.concatenate([[0, k, k + 3], k + 3 + k * np.arange(1, n)])  # the second has too few
    shapes = random.integers(20, 90, (n + 1, 2))
    candidates = Candidates(evidence, offsets, shapes, np.zeros(n + 1, np.float32))
    query = window_embeddings.quantised(random.normal(size=(1, 16)).astype(np.float32))
    windows = window_embeddings.windows(5)
    locator, region = window_embeddings.WindowLocator(windows), Region.box(2, 3, 10, 12)
    found = locator.locate(query, (50, 60), region, candidates)
    asked = query["values"][0].astype(float)
    for i in range(n + 1):
        rows = candidates.rows(i)["values"].astype(float)
        if len(rows) != k:
            assert found.scores[i] == -2 and np.isnan(found.boxes[i]).all()
            continue
        cosines = rows @ asked / np.linalg.norm(rows, axis=1) / np.linalg.norm(asked)
        loss = 0.05 * np.abs(np.log(windows[:, 2:].prod(axis=1) / (10 * 12 / (50 * 60))))
        score, place = one_by_one(cosines, windows, loss)
        assert found.scores[i] == pytest.approx(score, abs=1e-5)
        np.testing.assert_allclose(found.boxes[i], place * np.tile(shapes[i], 2), atol=1e-2)


def test_a_region_without_a_pixel_finds_nothing_and_fails_nothing(fitted):
    nothing = Region((np.array([[3.0, 3.0], [3.0, 3.2], [3.2, 3.2]]),))
    found = fitted.encode_query(blobs(1), nothing)
    assert not found.vector.any() and len(found.evidence) == 0


def test_the_bundled_weights_have_levels_to_pool(fitted):
    assert Path(deep.networks.weight_files.bundled()).is_file()
    assert weights.load().architecture.levels
