"""Stand-ins: small representations for the tests of an index, which worker processes can import."""

import multiprocessing
import os
from dataclasses import dataclass, replace

import numpy as np

from retrieval.baselines import Thumbnail
from retrieval.errors import FitError
from retrieval.rankers.inverted import InvertedIndex
from retrieval.readers.limits import Limits
from retrieval.representation import Encoding, SparseVector


class Proxy(Thumbnail):
    """What a thumbnail does, and more."""


@dataclass(frozen=True)
class Fragile(Proxy):
    """Dies of one picture, stumbles over another."""

    name = "fragile"

    def __post_init__(self):
        if "START_BADLY" in os.environ and multiprocessing.parent_process() is not None:
            os._exit(3)

    def encode(self, picture, region=None):
        if "killer" in picture.id:
            os._exit(7)
        if "stumble" in picture.id:
            raise ZeroDivisionError("oh")
        return Proxy.encode(self, picture, region)


@dataclass(frozen=True)
class Slow(Proxy):
    """Never comes to an end with one picture."""

    name = "slow"

    def encode(self, picture, region=None):
        while "endless" in picture.id:
            pass
        return Proxy.encode(self, picture, region)


class Short(Limits):
    """Less time than an image gets otherwise: a test cannot wait for five minutes."""

    def encoding_seconds(self, n_pixels):
        return 1.0


class Mean:
    """Learns the mean picture and subtracts it; keeps the brightest pixel as evidence."""

    name = "mean"
    # A test sets it, so that what learns again from the same images learns something else.
    drift = 0.0

    def __init__(self, n_fit_pictures=4, refuses=False):
        self.n_fit_pictures = n_fit_pictures
        self.refuses = refuses
        self.inner = Thumbnail(8)

    @property
    def settings(self):
        return {"n_fit_pictures": self.n_fit_pictures, "refuses": self.refuses}

    @property
    def is_fitted(self):
        return hasattr(self, "mean_")

    @property
    def report(self):
        return {"highest": round(float(self.mean_.max()), 4)}

    def sample(self, picture):
        return {"x": self.inner.encode(picture).vector}

    def learn(self, samples):
        rows = [s["x"] for s in samples]
        if self.refuses or not rows:
            raise FitError("too little to learn from; index more pictures")
        assert len(rows) <= self.n_fit_pictures
        self.mean_ = np.mean(rows, axis=0, dtype=np.float32) + np.float32(self.drift)
        return self

    def encode(self, picture, region=None):
        best = np.unravel_index(picture.grey.argmax(), picture.shape)
        rows = np.zeros(1 + int(best[0]) % 3, dtype=[("row", "<f4"), ("col", "<f4")])
        rows["row"], rows["col"] = best
        return Encoding(self.inner.encode(picture, region).vector - self.mean_, rows)

    encode_query = encode

    def learnt(self):
        return {"mean": self.mean_}

    def restore(self, arrays):
        self.mean_ = np.array(arrays["mean"])
        return self

    def make_ranker(self):
        return self.inner.make_ranker()

    def open_ranker(self, folders):
        return self.inner.open_ranker(folders)


class Other(Mean):
    """What a mean learns, under another name."""

    name = "other"


class Words(Thumbnail):
    """Bags of grey levels in an inverted index, with the position of every pixel above 250 as evidence."""

    name = "words"

    def encode(self, picture, region=None):
        levels = np.bincount((picture.grey * 63).astype(np.intp).ravel(), minlength=64)
        (words,) = levels.nonzero()
        values = np.sqrt(levels[words] / levels.sum()).astype(np.float32)
        bright = np.argwhere(picture.grey > 250 / 255).astype(np.float32)
        evidence = np.rec.fromarrays(bright.T, dtype=[("row", "<f4"), ("col", "<f4")]).view(np.ndarray)
        return Encoding(SparseVector(words.astype(np.uint32), values, 64), evidence)

    def make_ranker(self):
        return InvertedIndex(64)

    def open_ranker(self, folders):
        return InvertedIndex.open(folders, 64)


@dataclass(frozen=True)
class Batched(Thumbnail):
    """A thumbnail that is taken in the reading processes and finished in batches; answers flipped queries."""

    flip: bool = False

    name = "batched"
    batch_size = 4
    in_batches = True
    query_settings = ("flip",)

    def prepare(self, picture):
        return np.array([*Thumbnail(self.side).encode(picture).vector, os.getpid()], dtype=np.float64)

    def encode_prepared(self, prepared):
        assert 0 < len(prepared) <= self.batch_size
        SEEN.append((len(prepared), {int(row[-1]) for row in prepared}))
        return [Encoding(row[:-1].astype(np.float32)) for row in prepared]

    def encode_query(self, picture, region=None):
        vector = self.encode(picture, region).vector
        return Encoding(vector.reshape(self.side, self.side)[:, ::-1].ravel() if self.flip else vector)

    def adjusted(self, **settings):
        return replace(self, **settings)


SEEN = []
"""Of each batch that was encoded in this process: its size, and the processes that prepared it."""
