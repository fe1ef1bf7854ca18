"""Weight files: what is written comes back, and whatever else is refused in one line that names the file."""

import json
import os
import pickle
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from safetensors.torch import save, save_file  # noqa: E402
from support.embedders import tiny, write_tiny  # noqa: E402

from deep.networks import weight_files, weights  # noqa: E402
from deep.networks.embedder import Architecture  # noqa: E402
from retrieval.errors import SettingError  # noqa: E402


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return Path(write_tiny(tmp_path_factory.mktemp("weights") / "tiny.safetensors")).read_bytes()


def refused(data, name="some.file"):
    with pytest.raises(SettingError, match=name) as caught:
        weights.parse(data, name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def altered(change, tensors=None):
    """Return a tiny network's file whose header or tensors were changed."""
    network = tiny()
    about = {"format": weights.FORMAT, "architecture": json.dumps(asdict(network.architecture))}
    kept = {k: t for k, t in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    return save(tensors(kept) if tensors else kept, {**about, **change})


def test_what_is_written_comes_back(tmp_path):
    path = write_tiny(tmp_path / "a.safetensors", seed=3, side=48)
    network, original = weights.load(path), tiny(3, 48)
    pixels = torch.rand(2, 3, 48, 48)
    with torch.inference_mode():
        torch.testing.assert_close(network(pixels), original(pixels), atol=0, rtol=0)
    assert network.architecture == original.architecture
    assert not network.training
    assert weights.card(path) == {"seed": 3}


def test_half_takes_half_and_comes_back_nearly(tmp_path):
    weights.save(tmp_path / "a", tiny())
    weights.save(tmp_path / "b", tiny(), half=True)
    assert (tmp_path / "b").stat().st_size < 0.75 * (tmp_path / "a").stat().st_size
    pixels = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        one, two = weights.load(tmp_path / "a")(pixels), weights.load(tmp_path / "b")(pixels)
    assert (one * two).sum(dim=1).min() > 0.9999


def test_the_bundled_weights_open_where_there_are_any():
    if not weight_files.bundled().is_file():
        pytest.skip("no bundled weights here")
    assert weights.load().architecture.dimension > 1
    assert weight_files.bundled().stat().st_size <= 12_000_000


AGAIN = """
import sys
from pathlib import Path
from support.embedders import write_tiny
from deep.networks import weight_files
print(weight_files.fingerprint(weight_files.read(write_tiny(Path(sys.argv[1])))))
"""


def test_every_process_writes_the_same_bytes(tmp_path, data):
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "5"}
    command = [sys.executable, "-c", AGAIN, str(tmp_path / "again")]
    done = subprocess.run(command, env=places, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == weight_files.fingerprint(data)


def test_a_truncated_file_is_refused_wherever_it_ends(data):
    header = 8 + int.from_bytes(data[:8], "little")
    for end in [*range(0, header, 61), *range(header, len(data), 997), len(data) - 1]:
        refused(data[:end])


def test_surplus_bytes_are_refused(data):
    refused(data + b"\0" * 8)


@given(st.data())
def test_a_changed_byte_of_the_header_is_harmless_or_refused(data, draw):
    header = 8 + int.from_bytes(data[:8], "little")
    place, value = draw.draw(st.integers(0, header - 1)), draw.draw(st.integers(0, 255))
    changed = data[:place] + bytes([value]) + data[place + 1 :]
    try:
        weights.parse(changed, "some.file")
    except SettingError as error:
        assert "some.file" in str(error)
        assert "\n" not in str(error)


def test_a_changed_byte_anywhere_changes_the_hash(data):
    for place in range(0, len(data), 1009):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert weight_files.fingerprint(changed) != weight_files.fingerprint(data)


@given(st.binary(max_size=200))
def test_bytes_of_anything_are_refused(junk):
    refused(junk)


def test_files_of_others_are_refused(tmp_path):
    save_file({"a": torch.zeros(3)}, tmp_path / "foreign")
    torch.save({"a": torch.zeros(3)}, tmp_path / "torch")
    (tmp_path / "pickle").write_bytes(pickle.dumps({"a": 1}))
    np.save(tmp_path / "array.npy", np.zeros(9))
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    for name in ("foreign", "torch", "pickle", "array.npy", "empty", "folder", "missing"):
        with pytest.raises(SettingError, match=name):
            weights.load(tmp_path / name)


def test_a_foreign_safetensors_file_is_told_the_remedy():
    assert "--model timm/" in refused(save({"a": torch.zeros(3)}))


def test_values_that_are_not_finite_are_refused():
    for value in (float("nan"), float("inf")):
        broken = altered({}, lambda kept, v=value: {**kept, "projection.bias": torch.full((16,), v)})
        assert "finite" in refused(broken)


def test_missing_and_unknown_tensors_are_counted():
    lost = altered({}, lambda kept: {k: t for k, t in kept.items() if k != "projection.bias"})
    assert "1 tensors are missing, 0 unknown" in refused(lost)
    more = altered({}, lambda kept: {**kept, "other": torch.zeros(1)})
    assert "0 tensors are missing, 1 unknown" in refused(more)


def test_a_tensor_of_another_shape_is_named():
    wrong = altered({}, lambda kept: {**kept, "projection.bias": torch.zeros(17)})
    assert "projection.bias is (17,), not (16,)" in refused(wrong)


OWN = asdict(Architecture((8, 12), (1, 1), (0, 1), dimension=16, side=32))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{",
        "3",
        "[]",
        "null",
        '"x"',
        "{}",
        json.dumps({**OWN, "surplus": 3}),
        json.dumps({**OWN, "widths": "ab"}),
        json.dumps({**OWN, "widths": [8, "x"]}),
        json.dumps({**OWN, "widths": [8, 12.5]}),
        json.dumps({**OWN, "widths": [8, None]}),
        json.dumps({**OWN, "levels": [7]}),
        json.dumps({**OWN, "dimension": -1}),
        json.dumps({**OWN, "power": "three"}),
        json.dumps({**OWN, "dimension": 17}),
        json.dumps({**OWN, "widths": [100_000, 100_000]}),
        json.dumps({**OWN, "widths": [10**30, 12]}),
        json.dumps({**OWN, "dimension": 10**12}),
        json.dumps({**OWN, "depths": [1, 10**9]}),
        "[" * 99_999,
    ],
)
def test_an_architecture_of_something_else_is_refused_at_once(header):
    started = time.monotonic()
    refused(altered({"architecture": header}))
    assert time.monotonic() - started < 10
