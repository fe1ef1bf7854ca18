"""Trainings: a tiny network, and squares of two or more classes that it can learn to tell apart."""

import numpy as np

from deep.training.dataset import Examples


def make_examples(n_classes=3, n_groups=8, n_each=2, side=32, seed=0):
    """Draw stripes: the class is their width; the groups differ in tone, the pictures in noise."""
    random = np.random.default_rng(seed)
    squares, labels, groups = [], [], []
    for label in range(n_classes):
        for group in range(n_groups):
            tone = random.uniform(60, 180)
            for _ in range(n_each):
                stripes = 40 * np.sin(np.arange(side) * np.pi / (label + 1.5))[None, :]
                grey = tone + stripes + random.normal(0, 8, (side, side))
                squares.append(np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[None], 3, axis=0))
                labels.append(f"class {label}")
                groups.append(f"patient {label}-{group}")
    names = tuple(f"{i}.png" for i in range(len(labels)))
    return Examples(np.stack(squares), names, tuple(labels), tuple(groups))


def tiny_network(seed=0, side=32):
    """Return a network of a few thousand weights, random."""
    import torch

    from deep.networks.embedder import Architecture, Embedder

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Embedder(Architecture((8, 12), (1, 1), (0, 1), dimension=8, side=side)).eval()
