"""The settings of a training, except those of the random views. Imports no network library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retrieval.errors import SettingError

LossName = Literal[
    "triplet", "contrastive", "multi-similarity", "proxy-anchor", "supervised-contrastive", "softmax"
]
MiningName = Literal["random", "semi-hard", "batch-hard"]

TAKES: dict[str, tuple[str, ...]] = {
    "triplet": ("margin", "mining"),
    "contrastive": ("margin",),
    "multi-similarity": (),
    "proxy-anchor": ("margin",),
    "supervised-contrastive": ("temperature",),
    "softmax": ("temperature",),
}
"""The losses, and which settings each of them has."""

MINING = ("random", "semi-hard", "batch-hard")


@dataclass(frozen=True)
class TrainingSettings:
    """Decide how an embedding is learnt.

    Parameters
    ----------
    loss : what is minimised.
    mining : of triplets: ``random``, ``semi-hard`` or ``batch-hard``, the default.
    margin : of the loss, in its own unit (triplet: squared distance, contrastive: distance, proxy-anchor:
        cosine); by default that of the loss.
    temperature : of the loss, that cosines are divided by; by default that of the loss.
    epochs : how often all images are seen, at most.
    patience : epochs without a better MAP@R after which training stops.
    batch : images in a batch.
    classes : of a batch, at most; each has the same number of images in it.
    learning_rate : of the projection, at its highest.
    trunk_rate : the learning rate of the layers before the projection, as a share of it; 0 leaves them as
        they are.
    weight_decay : of all weights but biases and normalisations (AdamW).
    warm_up : share of the training in which the learning rate rises; then it falls as a cosine.
    validation : share of the images that is held out to stop at the right time.
    normalisation : ``frozen`` keeps the statistics that the network came with, which is right for few
        images; ``learnt`` takes those of the batches.
    precision : ``auto`` is bfloat16 if the processor computes in it, else float32.
    seed : of everything that is drawn.
    """

    loss: LossName = "triplet"
    mining: MiningName | None = None
    margin: float | None = None
    temperature: float | None = None
    epochs: int = 30
    patience: int = 10
    batch: int = 32
    classes: int = 8
    learning_rate: float = 2e-3
    trunk_rate: float = 0.3
    weight_decay: float = 0.01
    warm_up: float = 0.1
    validation: float = 0.2
    normalisation: Literal["frozen", "learnt"] = "frozen"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        _among("loss", self.loss, tuple(TAKES))
        _among("mining", self.mining or MINING[-1], MINING)
        _among("normalisation", self.normalisation, ("frozen", "learnt"))
        _among("precision", self.precision, ("auto", "float32", "bfloat16"))
        for name in ("mining", "margin", "temperature"):
            if getattr(self, name) is not None and name not in TAKES[self.loss]:
                having = ", ".join(loss for loss, taken in TAKES.items() if name in taken)
                raise SettingError(
                    f"{name}: the loss {self.loss!r} has none; leave it out, or choose {having}"
                )
        for name, low in (("epochs", 1), ("patience", 1), ("batch", 4), ("classes", 2), ("seed", 0)):
            if getattr(self, name) < low:
                raise SettingError(f"{name}: {getattr(self, name)} is too small; give at least {low}")
        for name in ("margin", "temperature", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise SettingError(f"{name}: {value}; give a number above 0")
        for name in ("trunk_rate", "weight_decay", "warm_up"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingError(f"{name}: {getattr(self, name)}; give a number from 0 to 1")
        if not 0 < self.validation < 1:
            raise SettingError(f"validation: {self.validation}; give a share between 0 and 1, such as 0.2")

    @property
    def loss_settings(self) -> dict[str, float | str]:
        """The settings of the loss that were given, by name."""
        given = {name: getattr(self, name) for name in TAKES[self.loss]}
        return {name: value for name, value in given.items() if value is not None}


def _among(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingError(f"{name}: {value!r} is unknown; one of {', '.join(choices)}")
