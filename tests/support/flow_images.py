"""Images of two classes with their labels, and a change of an index that is killed between two commits."""

import cv2
import numpy as np

from retrieval.metadata.label_table import LabelTable

N = 12


def draw(folder, number, seed=None):
    """Write an image whose two classes differ in coarseness."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(number if seed is None else seed)
    pixels = random.integers(0, 255, (48, 48)).astype(np.uint8)
    cv2.imwrite(str(folder / f"{number}.png"), cv2.GaussianBlur(pixels, (0, 0), 1 + number % 2))


def table(folder, **other):
    """Write labels into a folder, of some images others than their class."""
    lines = [f"{n}.png,{other.get(f'i{n}', 'coarse' if n % 2 else 'fine')}" for n in range(N)]
    (folder / "labels.csv").write_text("\n".join(["path,label", *lines]) + "\n")
    return LabelTable.read(folder / "labels.csv")


DIES_AT_A_COMMIT = """
import os, sys
from pathlib import Path

from retrieval.index.catalogue.database import Catalogue

place, scans, last = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
commit, n = Catalogue._seal, [0]


def dying(self):
    n[0] += 1
    if n[0] == last:
        os._exit(9)
    return commit(self)


Catalogue._seal = dying
"""
"""Begins a program with the arguments index, folder and number of the commit that it does not live to see."""
