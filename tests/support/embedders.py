"""Embedders: weight files of tiny networks, random, and pictures for them."""

import numpy as np

from retrieval.picture import Picture


def tiny(seed=0, side=32):
    """Return a network of a few thousand weights, whose normalisations do something."""
    import torch

    from deep.networks.embedder import Architecture, Embedder

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Embedder(Architecture((8, 12), (1, 1), (0, 1), dimension=16, side=side)).eval()
        for name, tensor in network.state_dict().items():
            if name.endswith("running_mean"):
                tensor.copy_((torch.rand(tensor.shape) - 0.5) / 5)  # larger ones leave nothing above 0
            if name.endswith("running_var"):
                tensor.copy_(torch.rand(tensor.shape) + 0.5)
    return network


def write_tiny(path, seed=0, side=32):
    """Write the weight file of a tiny network, and return its path as text."""
    from deep.networks import weights

    weights.save(path, tiny(seed, side), {"seed": seed})
    return str(path)


def write_noisy_blobs(folder, n):
    """Write n pictures of smooth noise, three kinds one after the other, each with noise of its own."""
    from PIL import Image

    folder.mkdir()
    for number in range(n):
        levels = (blobs(number * 3 // n, (80, 96)).pixels * 200).astype(np.uint8)
        noise = np.random.default_rng(number).integers(0, 40, levels.shape, dtype=np.uint8)
        Image.fromarray(levels + noise).save(folder / f"{number}.png")


def blobs(seed, shape=(48, 64)):
    """Make a picture of smooth noise."""
    import cv2

    coarse = np.random.default_rng(seed).random((6, 6), dtype=np.float32)
    pixels = np.clip(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), 0, 1)
    return Picture(pixels, id=f"{seed}.png")
