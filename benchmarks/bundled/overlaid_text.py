"""Train the network that sees overlaid text again, from the data folder: a few minutes of one core.

    python -m benchmarks.bundled.overlaid_text [--data FOLDER] [-o FILE] [--steps N] [--seed N]

The views of a step depend on the seed and its number alone. One thread: a second run on the same machine with
the same packages gives the same bits.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from benchmarks.bundled.text_network import TextNetwork, arrays, loss
from benchmarks.bundled.text_views import pool, view
from benchmarks.shared.labelled_sets import DATA

BATCH = 48
THRESHOLD = -0.25
"""Of the logit. Chosen on brain4, histology5 and ct_chest, which are no longer held out thereby."""


def train(data: Path, steps: int, seed: int) -> TextNetwork:
    """Train for so many steps of ``BATCH`` views each."""
    images = pool(data, seed)
    torch.manual_seed(seed)
    network = TextNetwork()
    optimiser = torch.optim.AdamW(network.parameters(), lr=4e-3, weight_decay=1e-4)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, steps, pct_start=0.1)
    started, total = time.process_time(), 0.0
    for step in range(steps):
        random = np.random.default_rng((seed, step))
        pixels, small, large = (
            np.stack(a) for a in zip(*(view(images, random) for _ in range(BATCH)), strict=True)
        )
        seen = network(torch.from_numpy(pixels).float() / 255)
        wrong = loss(seen[0], torch.from_numpy(small)) + loss(seen[1], torch.from_numpy(large))
        optimiser.zero_grad()
        wrong.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        rates.step()
        total += wrong.item()
        if step % 100 == 99:
            print(
                f"step {step + 1}/{steps} loss {total / 100:.3f}, {time.process_time() - started:.0f} s",
                flush=True,
            )
            total = 0.0
    return network


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("-o", "--output", type=Path, default=Path("weights.npz"))
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    np.savez(args.output, **arrays(train(args.data, args.steps, args.seed), THRESHOLD))
    return 0


if __name__ == "__main__":
    sys.exit(main())
