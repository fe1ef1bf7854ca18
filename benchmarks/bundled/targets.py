"""What the student learns from: a folder with views, and what the teachers make of each.

The folder is written once; a second run goes on where the first was interrupted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from benchmarks.bundled.pictures import VIEW, Original, originals, pooled, view
from benchmarks.shared.imagenet_networks import SIDE, MobileNet, SqueezeNet
from deep.networks.embedder import gem

GRID = 6
"""The teachers' maps are averaged to GRID × GRID places."""
REDUCED = 256
_BATCH = 64


@dataclass(frozen=True, eq=False)
class Targets:
    """Views uint8 (n, 3, VIEW, VIEW), labels int16 (n,), maps float16 (n, channels, GRID, GRID), pooled maps.

    ``squeezenet`` is pooled by GeM, float16 (n, 512); ``mobilenet`` by the average, float16 (n, 1280).
    """

    views: NDArray[np.uint8]
    labels: NDArray[np.int16]
    maps: NDArray[np.float16]
    other_maps: NDArray[np.float16]
    squeezenet: NDArray[np.float16]
    mobilenet: NDArray[np.float16]


def targets(data: Path, folder: Path, n: int, seed: int) -> Targets:
    """Return the views and targets in a folder; make what is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = _arrays(folder, n)
    state = folder / "state.json"
    recipe: dict[str, Any] = {"n": n, "seed": seed}
    done = json.loads(state.read_text()) if state.exists() else {**recipe, "done": 0}
    if {k: done[k] for k in recipe} != recipe:
        raise SystemExit(f"{folder}: made with {done}, not {recipe}; give another folder")
    if done["done"] < n:
        teachers = _Teachers(data, folder)
        with ProcessPoolExecutor(2, get_context("spawn"), _equip, (data, seed)) as pool:
            for first in range(done["done"], n, _BATCH * 8):
                numbers = range(first, min(n, first + _BATCH * 8))
                made = list(pool.map(_view, numbers, chunksize=32))
                chosen = slice(numbers.start, numbers.stop)
                arrays.views[chosen] = [pixels.transpose(2, 0, 1) for pixels, _ in made]
                arrays.labels[chosen] = [label for _, label in made]
                for key, value in teachers.about(arrays.views[chosen]):
                    getattr(arrays, key)[chosen] = value
                state.write_text(json.dumps({**recipe, "done": numbers.stop}))
                print(f"\rviews {numbers.stop} of {n}", end="", file=sys.stderr, flush=True)
    return arrays


def _arrays(folder: Path, n: int) -> Targets:
    def array(name: str, dtype: Any, *shape: int) -> Any:
        path = folder / f"{name}.npy"
        return open_memmap(path, "r+") if path.exists() else open_memmap(path, "w+", dtype, (n, *shape))

    return Targets(
        array("views", np.uint8, 3, VIEW, VIEW),
        array("labels", np.int16),
        array("maps", np.float16, 512, GRID, GRID),
        array("other_maps", np.float16, REDUCED, GRID, GRID),
        array("squeezenet", np.float16, 512),
        array("mobilenet", np.float16, 1280),
    )


class _Teachers:
    """Both networks, and the directions to which the second one's 1,280 channels are reduced."""

    def __init__(self, data: Path, folder: Path) -> None:
        self._squeezenet, self._mobilenet = SqueezeNet(data).eval(), MobileNet(data).eval()
        self._path = folder / "directions.npy"
        self._directions = torch.tensor(np.load(self._path)) if self._path.exists() else None

    def about(self, views: NDArray[np.uint8]) -> Iterator[tuple[str, NDArray[np.float16]]]:
        """Yield each array of targets for views (n, 3, VIEW, VIEW)."""
        found = [self._maps(torch.tensor(views[i : i + _BATCH])) for i in range(0, len(views), _BATCH)]
        first, second = (torch.cat(part) for part in zip(*found, strict=True))
        yield "squeezenet", half(gem(first, 3.0))
        yield "mobilenet", half(second.mean(dim=(2, 3)))
        yield "maps", half(F.adaptive_avg_pool2d(first, GRID))
        small = F.adaptive_avg_pool2d(second, GRID)
        if self._directions is None:
            rows = small.permute(0, 2, 3, 1).reshape(-1, small.shape[1])
            values, vectors = torch.linalg.eigh(torch.cov(rows.T))
            self._directions = (vectors[:, -REDUCED:] / values[-REDUCED:].sqrt().mean()).T.contiguous()
            np.save(self._path, self._directions.numpy())
        yield "other_maps", half(torch.einsum("kc,ncij->nkij", self._directions, small))

    def _maps(self, views: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            pixels = F.interpolate(views.float() / 255, size=SIDE, mode="bilinear", antialias=False)
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            return self._squeezenet(pixels).float(), self._mobilenet(pixels).float()


def half(values: Tensor) -> NDArray[np.float16]:
    """Return values as float16, as the arrays hold them."""
    return values.numpy().astype(np.float16)


_pool: dict[str, list[Original]] = {}
_seed = [0]


def _equip(data: Path, seed: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    _pool.update(pooled(originals(data)))
    _seed[0] = seed


def _view(number: int) -> tuple[NDArray[np.uint8], int]:
    return view(_pool, _seed[0], number)
