"""Images that an index learns from are described once, and an index is the same whether they are or not."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.embedders import blobs, write_noisy_blobs

import retrieval.index.update.kept_descriptions as kept_module
from bovw import superpixel
from bovw.extraction import FeatureExtractor
from cli.main import main
from deep.networks.numpy_network import NumpyNetwork
from retrieval.index import Index
from retrieval.index.catalogue.pixel_hashes import pixel_hash
from retrieval.index.update import run
from retrieval.index.update.kept_descriptions import KeptDescriptions, keep_remembered
from retrieval.picture import Picture

WORDS = ["--words", "16", "--tone-words", "8", "--points", "60"]


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "scans"
    write_noisy_blobs(folder, 6)
    # Of equal pixels.
    (folder / "copy.png").write_bytes((folder / "0.png").read_bytes())
    return folder


def indexed(place: Path, scans: Path, *words: str) -> int:
    by = ["--by", "superpixel", "--by", "deep", "--cells", "0"]
    return main(["index", str(scans), "-o", str(place), *by, *WORDS, "--quiet", *words])


def made(place: Path, scans: Path, *words: str) -> Path:
    assert indexed(place, scans, *words) == 0
    return place


def content(index: Path) -> set[str]:
    """Return the hashes of all arrays of the segments and models of an index."""
    files = [path for kind in ("segments", "models") for path in (index / kind).rglob("*.npy")]
    assert files
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the images whose points are found, and those that the network sees."""
    counted: Counter[str] = Counter()
    extract, maps = FeatureExtractor.extract, NumpyNetwork._maps

    def noted(self: FeatureExtractor, *about: object) -> object:
        counted["points"] += 1
        return extract(self, *about)

    def seen(self: NumpyNetwork, square: object) -> object:
        counted["network"] += 1
        return maps(self, square)

    monkeypatch.setattr(FeatureExtractor, "extract", noted)
    monkeypatch.setattr(NumpyNetwork, "_maps", seen)
    # Also where a GPU or bfloat16 would run it, here and in other processes.
    monkeypatch.setattr("deep.networks.registry.quickens_torch", lambda precision: False)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    return counted


@contextmanager
def nowhere(store: object):
    """Lend a folder that cannot be made, as on another machine."""
    yield Path("/nowhere/at/all")


def test_every_image_is_described_once_and_the_index_is_the_same(scans, tmp_path, calls, monkeypatch):
    once = made(tmp_path / "once", scans, "--jobs", "1")
    assert calls["points"] == 7
    # Each with its mirror image, while the mean is learnt.
    assert calls["network"] == 2 * 7
    calls.clear()
    with monkeypatch.context() as patched:
        patched.setattr(run, "room_for_descriptions", nowhere)
        twice = made(tmp_path / "twice", scans, "--jobs", "1")
    assert calls["points"] == 2 * 7 and calls["network"] == 2 * 2 * 7
    assert content(once) == content(twice)
    assert content(made(tmp_path / "processes", scans, "--jobs", "2")) == content(once)


def test_nothing_is_left_of_them(scans, tmp_path, monkeypatch):
    index = made(tmp_path / "i", scans, "--jobs", "1")
    n_models = len(list((index / "models").iterdir()))
    assert n_models == 2 and not list(index.rglob("*.npz"))
    # What a killed update left goes with the next one.
    stray = index / "models" / "0123456789abcdef"
    stray.mkdir()
    (stray / "1-00.npz").write_bytes(b"part of a description")
    made(index, scans, "--jobs", "1")
    assert not stray.exists()
    # Nor if encoding fails.
    monkeypatch.setattr(run.Encoder, "run", lambda self: 1 / 0)
    assert indexed(tmp_path / "failed", scans, "--jobs", "1") == 1
    assert not list((tmp_path / "failed").rglob("*.npz"))


def test_a_later_update_asks_for_none(scans, tmp_path, monkeypatch):
    index = made(tmp_path / "i", scans, "--jobs", "1")
    looked: list[Path] = []
    monkeypatch.setattr(kept_module, "_read", lambda path: looked.append(path))
    more = tmp_path / "more"
    more.mkdir()
    (more / "new.png").write_bytes((scans / "3.png").read_bytes())
    assert main(["index", str(more), "-o", str(index), "--jobs", "1", "--quiet"]) == 0
    assert looked == []
    with Index.open(index) as opened:
        assert len(opened.query("new.png", by=("superpixel",), k=20)) == 8


class Kept(KeptDescriptions):
    """Descriptions of images whose pixels are hashed as a worker does."""

    def sample(self, id, made, picture):
        return super().sample(id, made, picture, lambda: pixel_hash(picture, self.salt))

    def encode(self, id, made, picture):
        return super().encode(id, made, picture, lambda: pixel_hash(picture, self.salt))


@pytest.fixture(scope="module")
def fitted():
    pictures = [blobs(seed, (80, 96)) for seed in range(3)]
    return superpixel(words=8, tone_words=4, points=60).fit(pictures), pictures


def test_pixels_that_changed_meanwhile_are_described_anew(fitted, tmp_path):
    bag, (picture, other, _) = fitted
    kept = Kept(tmp_path / "kept", b"salt")
    sample = kept.sample(1, bag, picture)
    assert all((sample[name] == array).all() for name, array in bag.sample(picture).items())
    changed = Picture(other.pixels, picture.id, picture.spacing)
    assert (kept.encode(1, bag, changed).evidence == bag.encode(changed).evidence).all()
    assert not list((tmp_path / "kept").iterdir())
    kept.sample(1, bag, picture)
    # Nor is a description of one representation that of another, or of an image of another name.
    kept.encode(2, bag, picture)
    kept.encode(1, bag, Picture(picture.pixels, "another"))
    assert len(list((tmp_path / "kept").iterdir())) == 1
    found = kept.encode(1, bag, picture)
    assert not list((tmp_path / "kept").iterdir())
    assert (found.evidence == bag.encode(picture).evidence).all()
    assert (found.vector.dense() == bag.encode(picture).vector.dense()).all()


@pytest.mark.parametrize("cut", [0, 10, 1000, -1])
def test_a_damaged_description_is_not_used(fitted, tmp_path, cut):
    bag, (picture, _, _) = fitted
    kept = Kept(tmp_path / "kept", b"salt")
    kept.sample(1, bag, picture)
    (path,) = (tmp_path / "kept").iterdir()
    data = bytearray(path.read_bytes())
    if cut < 0:
        data[len(data) // 2] ^= 1  # one bit of a descriptor
    path.write_bytes(data if cut < 0 else data[:cut])
    assert (kept.encode(1, bag, picture).evidence == bag.encode(picture).evidence).all()


def test_a_full_disk_and_large_descriptions_cost_time_alone(fitted, tmp_path, monkeypatch):
    bag, (picture, _, _) = fitted
    kept = Kept(tmp_path / "kept", b"salt")

    def full(*arrays, **named):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as now:
        now.setattr(np, "savez", full)
        kept.sample(1, bag, picture)
        keep_remembered(tmp_path / "kept", 1, bag)
    assert not list((tmp_path / "kept").iterdir())
    for name, limit in (("_MOST", 100), ("_SPARE", 1 << 62)):
        with monkeypatch.context() as now:
            now.setattr(kept_module, name, limit)
            kept.sample(1, bag, picture)
        assert not list((tmp_path / "kept").iterdir())
    assert (kept.encode(1, bag, picture).evidence == bag.encode(picture).evidence).all()
