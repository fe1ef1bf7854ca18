"""Learning curves: loss and MAP@R of a training, epoch by epoch, as a figure."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from retrieval.errors import SettingError

if TYPE_CHECKING:
    from .epoch_result import EpochResult


def require_matplotlib() -> None:
    """Raise SettingError if matplotlib is missing."""
    if find_spec("matplotlib") is None:
        raise SettingError("curve: drawing takes matplotlib; pip install matplotlib, or leave the curve out")


def draw(history: Sequence[EpochResult], best: int) -> bytes:
    """Return a PNG: the loss and MAP@R of each epoch, the best one marked.

    Raises
    ------
    SettingError : matplotlib is missing.
    """
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    # pyplot would choose a window system, and keep the figure.
    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    quality = figure.subplots()
    loss = quality.twinx()
    numbers = [epoch.number for epoch in history]
    quality.plot(numbers, [100 * epoch.map_at_r for epoch in history], color="tab:blue", marker=".")
    quality.plot([best], [100 * history[best].map_at_r], color="tab:blue", marker="o", fillstyle="none")
    losses = [math.nan if epoch.loss is None else epoch.loss for epoch in history]
    loss.plot(numbers, losses, color="tab:red", linestyle="--")
    quality.xaxis.set_major_locator(MaxNLocator(integer=True))
    quality.set_xlabel("epoch")
    quality.set_ylabel("MAP@R of the held-out images, %", color="tab:blue")
    loss.set_ylabel("loss", color="tab:red")
    quality.set_title(f"best in epoch {best}: {100 * history[best].map_at_r:.1f} %")
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    return drawn.getvalue()
