"""Training: a tiny network learns, repeats, goes on where it was stopped, and names what goes wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from support.trainings import make_examples, tiny_network  # noqa: E402

from deep.training.augmentation import Augmentation  # noqa: E402
from deep.training.checkpoints import Checkpoint  # noqa: E402
from deep.training.epoch_result import EpochResult  # noqa: E402
from deep.training.splits import split  # noqa: E402
from deep.training.train import Trained, begin, train  # noqa: E402
from deep.training.trainer import Trainer  # noqa: E402
from deep.training.training_settings import TAKES, TrainingSettings  # noqa: E402
from deep.training.validation import map_at_r, spread  # noqa: E402
from retrieval.errors import FitError, SettingError  # noqa: E402

SETTINGS = TrainingSettings(
    epochs=3, batch=12, validation=0.3, learning_rate=3e-3, trunk_rate=1.0, precision="float32"
)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in one thread: more of them would only wait for each other over so little."""
    import deep.training.train

    monkeypatch.setattr(deep.training.train, "use_threads", lambda: torch.set_num_threads(1))


def learn(settings: TrainingSettings = SETTINGS, **options: Any) -> Trained:
    examples = make_examples()
    sides = split(examples.labels, examples.groups, None, settings.validation, settings.seed)
    return train(examples, sides, tiny_network(), settings, **options)


def weights_of(trained: Trained) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in trained.network.state_dict().items()}


def assert_equal(one: Trained, other: Trained) -> None:
    """The weights are equal to the last bit, and so is what was said of every epoch but its time."""
    assert [replace(epoch, seconds=0) for epoch in one.history] == [
        replace(epoch, seconds=0) for epoch in other.history
    ]
    assert one.best == other.best
    for name, values in weights_of(one).items():
        np.testing.assert_array_equal(values, weights_of(other)[name], err_msg=name)


def stop_at(number: int) -> Any:
    """Return what interrupts a training when it reports an epoch."""

    def report(epoch: EpochResult) -> None:
        if epoch.number == number:
            raise KeyboardInterrupt

    return report


def test_map_at_r_by_hand() -> None:
    # On a line of angles 0, 10, 20, 90, 100 degrees: classes 0 0 1 1 0; the first two are one patient.
    angles = np.radians([0, 10, 20, 90, 100])
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = map_at_r(points, np.array([0, 0, 1, 1, 0]), np.array([0, 0, 1, 2, 3]))
    # 0 and 1 have one answer, 4, which comes last: 0. 2 has 3, third: 0. 3 has 2, second: 0. 4 has two, 0
    # and 1, behind 3 and 2: 0.
    assert found == 0
    # Without 2 and 3, each first answer is right.
    assert map_at_r(points[[0, 1, 4]], np.zeros(3, dtype=int), np.array([0, 0, 1])) == 1


def test_spread_is_0_where_all_are_equal_and_1_where_all_are_at_right_angles() -> None:
    assert spread(np.ones((4, 1), dtype=np.float32)) == pytest.approx(0)
    assert spread(np.eye(4, dtype=np.float32)) == pytest.approx(1)


@pytest.mark.parametrize("loss", TAKES)
def test_each_loss_makes_the_embedding_better(loss: Any) -> None:
    trained = learn(replace(SETTINGS, loss=loss, epochs=8))
    assert trained.history[trained.best].map_at_r > trained.history[0].map_at_r + 0.1
    assert trained.history[trained.best].map_at_r == max(epoch.map_at_r for epoch in trained.history)


@pytest.mark.parametrize("mining", ["random", "semi-hard", "batch-hard"])
def test_each_mining_makes_the_embedding_better(mining: Any) -> None:
    trained = learn(replace(SETTINGS, mining=mining, epochs=8))
    assert trained.history[trained.best].map_at_r > trained.history[0].map_at_r + 0.1


def test_the_best_weights_come_back() -> None:
    examples = make_examples()
    sides = split(examples.labels, examples.groups, None, SETTINGS.validation, 0)
    trained = train(examples, sides, tiny_network(), replace(SETTINGS, epochs=5))
    trainer = Trainer(examples, sides, trained.network, SETTINGS, Augmentation())
    again = trainer.validate(0, None, 0.0)
    assert again.map_at_r == pytest.approx(trained.history[trained.best].map_at_r)


def test_a_seed_repeats_and_another_differs() -> None:
    one = learn(replace(SETTINGS, mining="random"))
    assert_equal(one, learn(replace(SETTINGS, mining="random")))
    other = learn(replace(SETTINGS, mining="random", seed=1))
    assert [e.loss for e in one.history] != [e.loss for e in other.history]


def test_training_leaves_the_draws_of_the_caller_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    learn(replace(SETTINGS, epochs=1))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("loss", ["triplet", "proxy-anchor"])
def test_a_resumed_training_ends_as_an_uninterrupted_one(loss: Any, tmp_path: Path) -> None:
    settings = replace(SETTINGS, loss=loss, epochs=4)
    checkpoint = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        learn(settings, checkpoint=checkpoint, report=stop_at(2))
    reported: list[int] = []
    resumed = learn(
        settings, checkpoint=checkpoint, resume=True, report=lambda epoch: reported.append(epoch.number)
    )
    assert reported == [0, 1, 2, 3, 4]
    assert_equal(resumed, learn(settings))


def test_a_checkpoint_of_other_settings_or_pictures_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    learn(replace(SETTINGS, epochs=1), checkpoint=checkpoint)
    with pytest.raises(SettingError, match="belongs to other images, labels, settings"):
        learn(SETTINGS, checkpoint=checkpoint, resume=True)
    examples = make_examples(seed=1)
    sides = split(examples.labels, examples.groups, None, SETTINGS.validation, 0)
    with pytest.raises(SettingError, match="belongs to other images"):
        train(
            examples, sides, tiny_network(), replace(SETTINGS, epochs=1), checkpoint=checkpoint, resume=True
        )


@pytest.mark.parametrize("damage", ["cut", "foreign", "empty"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, damage: str) -> None:
    checkpoint = tmp_path / "checkpoint"
    learn(replace(SETTINGS, epochs=1), checkpoint=checkpoint)
    data = checkpoint.read_bytes()
    checkpoint.write_bytes({"cut": data[: len(data) // 2], "foreign": b"x" * 999, "empty": b""}[damage])
    with pytest.raises(SettingError, match=r"damaged|no checkpoint"):
        learn(replace(SETTINGS, epochs=1), checkpoint=checkpoint, resume=True)


def test_a_checkpoint_leaves_nothing_beside_it(tmp_path: Path) -> None:
    Checkpoint({"a": torch.ones(2)}, {"best": 1}, "x").write(tmp_path / "c")
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    found = Checkpoint.read(tmp_path / "c", "x")
    assert found.state == {"best": 1} and found.tensors["a"].tolist() == [1, 1]


def test_training_stops_when_it_gets_no_better() -> None:
    trained = learn(replace(SETTINGS, epochs=40, patience=2))
    assert len(trained.history) - 1 == trained.best + 2 < 40


def test_a_trunk_of_rate_0_stays_as_it_is() -> None:
    before = {name: tensor.clone() for name, tensor in tiny_network().state_dict().items()}
    trained = learn(replace(SETTINGS, trunk_rate=0.0, epochs=2, patience=2))
    changed = {
        n for n, values in weights_of(trained).items() if not np.array_equal(values, before[n].numpy())
    }
    assert {name.split(".")[0] for name in changed} <= {"projection"}


@pytest.mark.parametrize("normalisation", ["frozen", "learnt"])
def test_the_statistics_of_normalisation_are_frozen_or_learnt(normalisation: Any) -> None:
    settings = replace(SETTINGS, normalisation=normalisation, epochs=6)
    trained = learn(settings)
    assert trained.best > 0
    before = tiny_network().state_dict()
    means = {name for name in before if name.endswith("running_mean")}
    same = all(np.array_equal(before[name].numpy(), weights_of(trained)[name]) for name in means)
    assert means and same == (normalisation == "frozen")


def test_collapse_is_named() -> None:
    with pytest.raises(FitError, match=r"all embeddings are equal after epoch \d+ .*lower --learning-rate"):
        learn(replace(SETTINGS, epochs=9, patience=9, learning_rate=0.5))


def test_pictures_that_are_all_equal_are_named_before_training() -> None:
    examples = make_examples()
    examples = replace(examples, squares=np.full_like(examples.squares, 90))
    sides = split(examples.labels, examples.groups)
    with pytest.raises(FitError, match="all embeddings are equal before any training"):
        train(examples, sides, tiny_network(), SETTINGS)


def test_a_loss_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import deep.training.trainer

    monkeypatch.setattr(deep.training.trainer, "make", lambda *_, **__: lambda e, labels: e.sum() * math.nan)
    with pytest.raises(FitError, match=r"not a number in epoch 1; lower --learning-rate"):
        learn()


def test_a_start_from_scratch_is_that_of_its_seed() -> None:
    one, again, other = (begin("scratch", seed).projection.weight for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "hinge"},
        {"mining": "easy"},
        {"loss": "softmax", "mining": "random"},
        {"loss": "softmax", "margin": 0.2},
        {"temperature": 0.1},
        {"margin": 0},
        {"learning_rate": math.inf},
        {"epochs": 0},
        {"validation": 1.0},
        {"normalisation": "none"},
    ],
)
def test_settings_refuse_what_makes_no_sense(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="|".join(settings)):
        TrainingSettings(**settings)
