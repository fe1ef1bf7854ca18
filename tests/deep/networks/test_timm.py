"""Networks of timm: with a stand-in for timm, and with timm itself where it is installed."""

import pickle
import sys
import types
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from safetensors.torch import save_file  # noqa: E402
from support.embedders import blobs, write_tiny  # noqa: E402

import deep  # noqa: E402
from deep.networks import timm_package  # noqa: E402
from retrieval.errors import IndexFolderError, SettingError  # noqa: E402


class Small(torch.nn.Module):
    """Averages what one convolution finds; takes pictures of 64 pixels only where it is fixed."""

    def __init__(self, width, fixed, num_classes):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, width, 3, 2)
        self.bn = torch.nn.BatchNorm2d(width)
        self.fc = torch.nn.Linear(width, num_classes) if num_classes else torch.nn.Identity()
        self.fixed = fixed
        self.pretrained_cfg = {
            "mean": (0.5, 0.4, 0.3),
            "std": (0.2, 0.25, 0.3),
            "input_size": (3, 64, 64),
            "classifier": "fc",
            "hf_hub_id": "timm/small.x",
        }

    def forward(self, x):
        if self.fixed and x.shape[-1] != 64:
            raise AssertionError("64 only")
        return self.fc(torch.relu(self.bn(self.conv(x))).mean(dim=(2, 3)))


WIDTHS = {"small": 6, "small_wide": 9, "small_fixed": 6}


def create_model(name, pretrained=False, num_classes=1000, pretrained_cfg_overlay=None):
    torch.manual_seed(1)
    model = Small(WIDTHS[name], name.endswith("fixed"), num_classes)
    if pretrained:
        tensors = torch.load(pretrained_cfg_overlay["file"], weights_only=True)
        model.load_state_dict(tensors, strict=False)
    return model


@pytest.fixture
def fake(monkeypatch):
    """Put a small timm in the place of timm."""
    small = types.ModuleType("timm")
    small.is_model = WIDTHS.__contains__
    small.list_models = lambda: list(WIDTHS)
    small.create_model = create_model
    monkeypatch.setitem(sys.modules, "timm", small)
    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    return small


@pytest.fixture
def hub(monkeypatch):
    """Put a hub that nobody answers at, and whose cache is a dict, in the place of the hub."""
    module = types.ModuleType("huggingface_hub")
    module.cache = {}
    module.constants = types.SimpleNamespace(ENDPOINT="http://127.0.0.1:9")
    module.errors = types.SimpleNamespace(EntryNotFoundError=KeyError)
    module.try_to_load_from_cache = lambda repository, file: module.cache.get((repository, file))
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return module


def state(seed=0, width=6):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Small(width, False, 10).state_dict()


@pytest.fixture
def path(tmp_path):
    save_file(state(), tmp_path / "small.safetensors")
    return str(tmp_path / "small.safetensors")


def fitted(path, name="small", **settings):
    return deep.deep(model=f"timm/{name}", weights=path, **settings).fit([])


def test_embeddings_are_those_of_the_network_with_its_own_scaling(fake, path):
    made = fitted(path, precision="float32", symmetries=1)
    model = Small(6, False, 10)
    model.load_state_dict(state())
    model.eval().fc = torch.nn.Identity()
    square = torch.from_numpy(made.prepare(blobs(1))).float()[None] / 255
    assert square.shape == (1, 3, 224, 224)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.5, 0.4, 0.3), (0.2, 0.25, 0.3)))
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(model((square - mean) / std))[0].numpy()
    found = made.encode(blobs(1)).vector
    assert found.shape == (6,)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_every_kind_of_file_gives_the_same(fake, path, tmp_path):
    expected = fitted(path).encode(blobs(1)).vector
    kinds = {
        "plain.pth": state(),
        "wrapped.pt": {"state_dict": state(), "epoch": 3},
        "parallel.bin": {"model": {f"module.{key}": t for key, t in state().items()}},
    }
    for name, content in kinds.items():
        torch.save(content, tmp_path / name)
        np.testing.assert_array_equal(fitted(str(tmp_path / name)).encode(blobs(1)).vector, expected)


def test_what_was_learnt_needs_no_file(fake, path):
    made = fitted(path)
    before = made.encode(blobs(2)).vector
    Path(path).unlink()
    again = deep.deep(**made.settings).restore(made.learnt())
    np.testing.assert_array_equal(again.encode(blobs(2)).vector, before)
    assert b"fc.weight" not in made.learnt()["weights"].tobytes()


def test_fitting_twice_gives_the_same_bytes(fake, path):
    assert fitted(path).learnt()["weights"].tobytes() == fitted(path).learnt()["weights"].tobytes()


def test_what_another_network_or_file_learnt_is_not_taken_back(fake, path, tmp_path):
    made = fitted(path)
    save_file(state(5), tmp_path / "other")
    for settings in (
        {**made.settings, "model": "timm/small_fixed"},
        fitted(str(tmp_path / "other")).settings,
    ):
        with pytest.raises(IndexFolderError, match="index again"):
            deep.deep(**settings).restore(made.learnt())


def test_an_unknown_network_is_told_its_neighbours(fake, path):
    with pytest.raises(SettingError, match=r"no network 'smal_wide'; did you mean small_wide"):
        fitted(path, "smal_wide")
    with pytest.raises(SettingError, match="list_models"):
        fitted(path, "qqqqqq")


def test_weights_of_another_network_are_counted(fake, path, tmp_path):
    with pytest.raises(
        SettingError, match=r"small\.safetensors: 6 tensors do not fit small_wide, which has 6"
    ):
        fitted(path, "small_wide")
    own = write_tiny(tmp_path / "own.safetensors")
    with pytest.raises(SettingError, match="tensors do not fit small"):
        fitted(own)
    lacking = {key: t for key, t in state().items() if key != "bn.bias"}
    save_file(lacking, tmp_path / "lacking")
    with pytest.raises(SettingError, match=r"1 tensors do not fit .*bn\.bias"):
        fitted(str(tmp_path / "lacking"))


def test_a_side_that_the_network_does_not_take_is_refused_with_its_own(fake, path):
    with pytest.raises(SettingError, match=r"images of 224 .*--side 64"):
        fitted(path, "small_fixed")
    assert fitted(path, "small_fixed", side=64).encode(blobs(1)).vector.shape == (6,)


def test_files_of_anything_are_refused_by_name(fake, path, tmp_path):
    torch.save(state(), tmp_path / "good.pth")
    packed = (tmp_path / "good.pth").read_bytes()
    contents = {
        "empty": b"",
        "text": b"hello",
        "pickle": pickle.dumps({"a": Path("/")}),
        "half.pth": packed[: len(packed) // 2],
        "half.safetensors": Path(path).read_bytes()[:300],
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SettingError, match=name):
            fitted(str(tmp_path / name))
    for name, value in (("list.pth", [1, 2]), ("numbers.pth", {"a": 1})):
        torch.save(value, tmp_path / name)
        with pytest.raises(SettingError, match=f"{name}: no table of tensors"):
            fitted(str(tmp_path / name))


class Evil:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return (exec, ("raise KeyboardInterrupt",))


def test_nothing_of_a_file_is_ever_run(fake, tmp_path):
    torch.save({"a": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(SettingError, match=r"evil\.pth"):
        fitted(str(tmp_path / "evil.pth"))


def test_values_that_are_not_finite_are_refused(fake, tmp_path):
    save_file({**state(), "bn.bias": torch.full((6,), float("nan"))}, tmp_path / "nan")
    with pytest.raises(SettingError, match="not finite"):
        fitted(str(tmp_path / "nan"))


def test_a_hub_that_does_not_answer_is_an_error_that_says_how_to_give_a_file(fake, hub):
    with pytest.raises(SettingError, match=r"none from the hub .*weight file of small with --weights FILE"):
        deep.deep(model="timm/small").fit([])


def test_weights_that_lie_in_the_hubs_cache_need_no_network(fake, hub, tmp_path):
    torch.save(state(3), tmp_path / "pytorch_model.bin")
    hub.cache["timm/small.x", "pytorch_model.bin"] = str(tmp_path / "pytorch_model.bin")
    from_hub = deep.deep(model="timm/small").fit([])
    from_file = fitted(str(tmp_path / "pytorch_model.bin"))
    np.testing.assert_array_equal(from_hub.encode(blobs(1)).vector, from_file.encode(blobs(1)).vector)
    again = deep.deep(**from_hub.settings).restore(from_hub.learnt())
    np.testing.assert_array_equal(again.encode(blobs(1)).vector, from_hub.encode(blobs(1)).vector)


def test_without_timm_the_remedy_is_named(monkeypatch, path):
    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(SettingError, match=r"pip install 'semblance\[timm\]'"):
        fitted(path)


@pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "dimension"), [("resnet18", 512), ("mobilenetv3_small_100", 1024)])
def test_networks_of_timm_itself(tmp_path, name, dimension):
    library = timm_package.package()
    torch.save(library.create_model(name).state_dict(), tmp_path / "random.pth")
    made = fitted(str(tmp_path / "random.pth"), name, side=64)
    vector = made.encode(blobs(1)).vector
    assert vector.shape == (dimension,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    with pytest.raises(SettingError, match="do not fit resnet34"):
        fitted(str(tmp_path / "random.pth"), "resnet34")
