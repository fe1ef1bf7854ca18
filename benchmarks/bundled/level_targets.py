"""What the second stage learns from: pairs of views of a picture, and what three networks make of each.

Two teachers of ImageNet at five levels, and the network as the first stage left it. The folder is written
once, by as many processes as are given; a second run finds it whole or begins anew.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch.nn import functional as F

from benchmarks.bundled.generated_pictures import KINDS
from benchmarks.bundled.package_pictures import package_pictures
from benchmarks.bundled.pictures import VIEW, Bytes, cut, originals, pooled, toned
from benchmarks.bundled.targets import half
from benchmarks.shared.efficientnet_lite import EfficientNetLite
from benchmarks.shared.imagenet_networks import SIDE, SqueezeNet
from deep.networks import weights
from deep.networks.embedder import Embedder, folded, gem

SHARES = {
    "caltech39": 0.06,
    "caltech20": 0.06,
    "scene15": 0.05,
    "blood_bccd": 0.11,
    "modality6": 0.09,
    "cxr_regions": 0.09,
    "ct_dicom": 0.07,
    "nifti": 0.05,
    "volume_mrhead": 0.06,
    "wsi": 0.08,
    "skimage": 0.01,
    "wallpapers": 0.03,
    "stamps": 0.03,
    "textures": 0.03,
    "games": 0.02,
    "landscapes": 0.02,
    "ultrasound": 0.06,
    "tissue": 0.06,
    "skin": 0.04,
}
"""Which part of the pairs is cut from each set; the last three are generated."""
LEVELS = {"fire4": 256, "fire7": 384, "fire9": 512, "stride16": 80, "stride32": 192, "own": 448}
"""The levels that an ideal student would rank by, each of unit length, and their channels; own: three."""
_PHOTOGRAPHS, _FILMS = (1, 1, 1.4, 1, 1, 1), (0.7, 1, 1, 1, 1, 1)
_STAINED, _LAST = (0.5, 1, 0.5, 1, 1, 0.7), (0.5, 1, 2, 0.01, 0.5, 1)
WEIGHTS = {
    **dict.fromkeys(SHARES, _PHOTOGRAPHS),
    **dict.fromkeys(("modality6", "cxr_regions", "ct_dicom", "nifti", "volume_mrhead"), _FILMS),
    **dict.fromkeys(("wsi", "tissue"), _STAINED),
    **dict.fromkeys(("blood_bccd", "ultrasound"), _LAST),
}
"""What each level counts in the pictures of a set. Depth decides: tissue, CT, MR and films want stride 16,
ultrasound and blood cells the last level. Chosen on ``ultrasound3``, ``brain4``, ``cxr3``, ``skin7``,
``histology5`` and ``wbc5``."""
MAPS = ("fire4", "fire9", "stride16", "stride32")
"""The teachers' levels whose maps are learnt as well, averaged to GRID × GRID places."""
GRID = 7
_BATCH = 64


@dataclass(frozen=True, eq=False)
class LevelTargets:
    """Views uint8 (n, 3, VIEW, VIEW), the set of each (n,), levels float16 (n, channels), and maps by name.

    Views 2i and 2i + 1 are cut from one picture.
    """

    views: NDArray[np.uint8]
    sets: NDArray[np.int16]
    levels: NDArray[np.float16]
    maps: Mapping[str, NDArray[np.float16]]


def level_targets(
    data: Path, packages: Path, own: Path, folder: Path, n: int, seed: int, jobs: int
) -> LevelTargets:
    """Return the views and targets in a folder, made if need be; ``own`` is the file of the first stage."""
    done = folder / "done"
    recipe = f"{n} views, seed {seed}\n"
    if not done.exists() or done.read_text() != recipe:
        folder.mkdir(parents=True, exist_ok=True)
        done.unlink(missing_ok=True)
        _arrays(folder, n, "w+")
        context = get_context("spawn")
        makers = [
            context.Process(target=_make, args=(data, packages, own, folder, n, seed, i, jobs))
            for i in range(jobs)
        ]
        for maker in makers:
            maker.start()
        for maker in makers:
            maker.join()
        if any(maker.exitcode for maker in makers):
            raise SystemExit(f"{folder}: not all views could be made")
        done.write_text(recipe)
    return _arrays(folder, n, "r")


def _arrays(folder: Path, n: int, mode: str) -> LevelTargets:
    def array(name: str, dtype: Any, *shape: int) -> Any:
        path = folder / f"{name}.npy"
        return open_memmap(path, "w+", dtype, (n, *shape)) if mode == "w+" else open_memmap(path, mode)

    return LevelTargets(
        array("views", np.uint8, 3, VIEW, VIEW),
        array("sets", np.int16),
        array("levels", np.float16, sum(LEVELS.values())),
        {name: array(name, np.float16, LEVELS[name], GRID, GRID) for name in MAPS},
    )


def _make(
    data: Path, packages: Path, own: Path, folder: Path, n: int, seed: int, first: int, jobs: int
) -> None:
    """Make every jobs-th batch of views."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    pictures = {name: [it.pixels for it in found] for name, found in pooled(originals(data)).items()}
    cutter = Cutter({**pictures, **package_pictures(packages, data / "wsi")}, seed)
    teachers = _Teachers(data, folded(weights.load(own)).eval())
    arrays, started = _arrays(folder, n, "r+"), time.perf_counter()
    for at in range(first * _BATCH, n, jobs * _BATCH):
        made = [cutter.view(i) for i in range(at, min(at + _BATCH, n))]
        chosen = slice(at, at + len(made))
        arrays.views[chosen] = views = np.stack([pixels.transpose(2, 0, 1) for pixels, _ in made])
        arrays.sets[chosen] = [set for _, set in made]
        arrays.levels[chosen], maps = teachers.about(views)
        for name, values in maps.items():
            arrays.maps[name][chosen] = values
        print(f"\rviews {at} of {n}, {time.perf_counter() - started:.0f} s", end="", file=sys.stderr)


class Cutter:
    """Cuts views from pictures by set: view i is the same in every run and process."""

    def __init__(self, pictures: Mapping[str, list[Bytes]], seed: int) -> None:
        self.pictures, self.seed = pictures, seed

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        shares = np.array(list(SHARES.values()))
        return shares / shares.sum()

    def view(self, number: int) -> tuple[Bytes, int]:
        """Return view ``number``, uint8 (VIEW, VIEW, 3), and the position of its set in ``SHARES``."""
        of_pair = np.random.default_rng((self.seed, number // 2, 7))
        random = np.random.default_rng((self.seed, number, 9))
        set = int(of_pair.choice(len(self._shares), p=self._shares))
        picture = self._drawn(list(SHARES)[set], of_pair)
        # Of a generated pair the first view is the whole picture.
        is_whole = list(SHARES)[set] in KINDS and number % 2 == 0
        first = toned(picture if is_whole else cut(picture, random), random)
        chance = random.random()
        if chance > 0.10:
            return first, set
        other = list(SHARES)[int(random.choice(len(self._shares), p=self._shares))]
        second = toned(cut(self._drawn(other, random), random), random)
        if chance < 0.05:
            share = random.uniform(0.3, 0.7)
            return np.asarray(cv2.addWeighted(first, share, second, 1 - share, 0), np.uint8), set
        row, col = random.integers(VIEW // 4, 3 * VIEW // 4, 2)
        first[row:, col:] = second[row:, col:]
        return first, set

    def _drawn(self, set: str, random: np.random.Generator) -> Bytes:
        """Draw a picture of a set, or generate one."""
        make, sources = KINDS.get(set, (None, (set,)))
        among = self.pictures[sources[int(random.integers(len(sources)))]]
        picture = among[int(random.integers(len(among)))]
        return picture if make is None else make(cut(picture, random), random)


class _Teachers:
    def __init__(self, data: Path, own: Embedder) -> None:
        self._squeezenet, self._lite, self._own = SqueezeNet(data).eval(), EfficientNetLite().eval(), own

    def about(self, views: Bytes) -> tuple[NDArray[np.float16], dict[str, NDArray[np.float16]]]:
        """Return the levels (n, channels) of views (n, 3, VIEW, VIEW), and their maps."""
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            own = torch.tensor(views).float() / 255
            ours = self._own.maps(own.contiguous(memory_format=torch.channels_last))
            pixels = F.interpolate(own, size=SIDE, mode="bilinear")
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            fires, (stride16, stride32) = self._squeezenet.fire_maps(pixels), self._lite(pixels)
        maps = {f"fire{i}": fires[i].float() for i in (4, 7, 9)}
        maps |= {"stride16": stride16.float(), "stride32": stride32.float()}
        # The maps at stride 16 are of both signs: their average, where others have a generalised mean.
        levels = [
            F.normalize(found.mean(dim=(2, 3)) if name == "stride16" else gem(found, 3.0), dim=1)
            for name, found in maps.items()
        ]
        levels += [F.normalize(gem(found.float(), 3.0), dim=1) for found in ours]
        small = {name: half(F.adaptive_avg_pool2d(maps[name], GRID)) for name in MAPS}
        return half(torch.cat(levels, dim=1)), small
