"""Train the weights that come with ``deep`` again, from the data folder.

    python -m benchmarks.bundled [--data FOLDER] [--scratch FOLDER] [-o FILE] [--views N] [--epochs N]

Cuts the views, lets both teachers look at them, distils, and writes the file. Each step goes on where it
was interrupted: its work is in the scratch folder (9 GB for 40,960 views).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.bundled.card import card
from benchmarks.bundled.distil import DistillationSettings, distil
from benchmarks.bundled.targets import targets
from benchmarks.shared.labelled_sets import DATA
from deep.networks import weights
from deep.networks.embedder import Embedder


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--scratch", type=Path, default=Path("bundled"))
    parser.add_argument("-o", "--output", type=Path, default=Path("bundled.safetensors"))
    parser.add_argument("--views", type=int, default=40_960)
    parser.add_argument("--epochs", type=int, default=DistillationSettings.epochs)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    settings = DistillationSettings(epochs=args.epochs, threads=args.threads, seed=args.seed)
    data = targets(args.data, args.scratch, args.views, args.seed)
    network = distil(Embedder(), data, settings, args.scratch / "checkpoint.pt")
    weights.save(args.output, network, card(args.data, args.views, asdict(settings)), half=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
