"""The network by numpy gives what torch gives, of whole images and parts, whatever the side."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from support.embedders import write_tiny  # noqa: E402

from deep.networks import hardware, registry, weight_files, weights  # noqa: E402
from deep.networks.inference import OwnNetwork, TorchRunner  # noqa: E402
from deep.networks.numpy_network import NumpyNetwork  # noqa: E402
from deep.regions.window_embeddings import surroundings, windows  # noqa: E402
from deep.settings import DeepSettings  # noqa: E402
from retrieval.errors import SettingError  # noqa: E402

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    write_tiny(path)
    return path.read_bytes()


def pair(data, projected):
    return (
        TorchRunner(OwnNetwork(weights.parse(data, "a.file"), projected), "float32"),
        NumpyNetwork(data, "a.file", projected),
    )


def squares(n, side):
    return RANDOM.integers(0, 256, (n, 3, side, side), dtype=np.uint8)


def same(found, expected, atol=2e-6):
    assert (found.shape, found.dtype) == (expected.shape, np.float32)
    np.testing.assert_allclose(found, expected, atol=atol, rtol=0)


@settings(max_examples=12)
@given(side=st.integers(32, 90), projected=st.booleans(), n=st.integers(1, 3))
def test_it_gives_what_torch_gives(tiny, side, projected, n):
    by_torch, by_numpy = pair(tiny, projected)
    images, share = squares(n, side), RANDOM.random((n, side, side), dtype=np.float32)
    assert by_numpy.dimension == by_torch.dimension
    same(by_numpy.embed(images), by_torch.embed(images))
    same(by_numpy.embed(images, share), by_torch.embed(images, share))
    same(by_numpy.maps(images, 1), by_torch.maps(images, 1), atol=1e-5)


@pytest.mark.parametrize("around", [False, True])
def test_parts_are_those_of_torch(tiny, around):
    by_torch, by_numpy = pair(tiny, projected=False)
    images, places = squares(2, 64), windows(3)
    rings = surroundings(places) if around else None
    for found, expected in zip(
        by_numpy.embed_parts(images, places, rings),
        by_torch.embed_parts(images, places, rings),
        strict=True,
    ):
        same(found, expected, atol=1e-4)
    left, all_of_it = np.zeros((2, 64, 64), np.float32), np.ones((2, 64, 64), np.float32)
    left[:, :, :20] = 1
    other = all_of_it - left if around else None
    same(by_numpy.embed_part(images, left, other), by_torch.embed_part(images, left, other), atol=1e-4)
    assert by_numpy.no_parts().shape == by_torch.no_parts().shape


def test_the_bundled_network_gives_what_torch_gives():
    by_torch, by_numpy = pair(weight_files.read("bundled"), projected=False)
    images = squares(2, 176)
    same(by_numpy.embed(images), by_torch.embed(images))


def test_a_wide_map_is_laid_out_in_pieces(tiny, monkeypatch):
    images = squares(1, 96)
    whole = NumpyNetwork(tiny, "a.file").embed(images)
    # Less than a row of the first map, so that its own rows are pieces.
    monkeypatch.setattr("deep.networks.numpy_network._SCRATCH", 100)
    same(NumpyNetwork(tiny, "a.file").embed(images), whole)


def test_a_batch_equals_one_by_one(tiny):
    network, images = NumpyNetwork(tiny, "a.file"), squares(9, 48)
    alone = np.concatenate([network.embed(image[None]) for image in images])
    assert network.embed(images).tobytes() == alone.tobytes()


def test_a_damaged_file_is_named(tiny):
    with pytest.raises(SettingError, match=r"a\.file"):
        NumpyNetwork(tiny[:-40], "a.file")


def test_torch_runs_what_it_is_quicker_at(monkeypatch):
    own = DeepSettings(weights="w")
    for quick in (False, True):
        monkeypatch.setattr(registry, "quickens_torch", lambda precision, quick=quick: quick)
        assert registry.needs_torch(own) is quick
        assert registry.needs_torch(DeepSettings(precision="bfloat16"))
        assert registry.needs_torch(DeepSettings(model="timm/resnet18", cells=0, projected=True))
    monkeypatch.setattr(registry, "find_spec", lambda name: None)  # torch is not installed
    assert not registry.needs_torch(own)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx2", False), ("fpu avx512_bf16", True), ("asimd bf16 sve", False), ("", False)],
)
def test_bfloat16_is_read_from_the_processor(tmp_path, monkeypatch, flags, expected):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t: {flags}\n")
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    monkeypatch.setattr(hardware, "_CPU", tmp_path / "cpuinfo")
    monkeypatch.setattr(hardware, "_GPUS", ())
    assert hardware.quickens_torch("auto") is expected
    assert not hardware.quickens_torch("float32")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert not hardware.quickens_torch("auto")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("cuda: Optional[str] = '12.4'\nhip: Optional[str] = None\n", True),
        ("cuda = None\nhip = '6.2'\n", True),
        ("__version__ = '2.13.0+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n", False),
    ],
)
def test_a_gpu_counts_for_a_torch_that_is_built_for_it(tmp_path, monkeypatch, said, expected):
    (tmp_path / "version.py").write_text(said)
    found = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(hardware, "find_spec", lambda name: found)
    monkeypatch.setattr(hardware, "_GPUS", ())
    assert not hardware.quickens_torch("float32")
    monkeypatch.setattr(hardware, "_GPUS", (str(tmp_path),))
    assert hardware.quickens_torch("float32") is expected


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = sys.modules["safetensors"] = None
from retrieval.registry import make
from support.embedders import blobs
from retrieval.region import Region
deep = make("deep", {}).fit([blobs(i) for i in range(3)])
deep.encode_prepared([deep.prepare(blobs(1))])
deep.encode_query(blobs(2), Region.box(4, 4, 20, 20))
deep.adjusted(orientations=2, scales=[1, 0.5]).encode_query(blobs(2))
print("done")
"""


def test_the_bundled_network_needs_no_torch():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        env={"PYTHONPATH": ":".join(sys.path), "ONEDNN_MAX_CPU_ISA": "AVX2"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "done", done.stderr
