"""Other people's ways of ranking pictures, each as they write it: pictures in, scores (n, n) out."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.shared.plain_pipeline import WORDS, Bytes, Plain, Scores


class MissingError(Exception):
    """A peer is not there; the message is the line that says so."""


def require(name: str) -> ModuleType:
    """Return the module of an optional package. Raise MissingError if it cannot be imported."""
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingError(f"{name} does not import ({error}); pip install 'semblance[peers]'") from error


@dataclass(frozen=True)
class Hash:
    """A perceptual hash of the package ImageHash; near is a small Hamming distance.

    With few bits many distances are equal; they are ordered at random, with a fixed seed.
    """

    kind: str
    side: int = 8

    def __call__(self, pictures: Sequence[Bytes]) -> Scores:
        """Rank all pictures by all."""
        of = getattr(require("imagehash"), self.kind)
        bits = np.stack([of(Image.fromarray(p), hash_size=self.side).hash.ravel() for p in pictures]).astype(
            np.float64
        )
        distances = bits @ (1 - bits).T + (1 - bits) @ bits.T
        return np.asarray(-distances + np.random.default_rng(0).random(distances.shape) / 2)


@dataclass(frozen=True)
class Colmap:
    """COLMAP's SIFT and vocabulary index (inverted file, Hamming embedding), as ``pycolmap`` has them.

    All of its points are taken, at its own settings but for the number of words and the rounds in which they
    are learnt (its 3 × 100 take minutes). The binding's own
    ``VisualIndex.query`` fills a list that is not given back, so the ranking is that of
    ``VocabTreePairGenerator``, which asks the same index; pictures that it does not name come last.
    """

    words: int = WORDS

    def __call__(self, pictures: Sequence[Bytes]) -> Scores:
        """Rank all pictures by all."""
        colmap = require("pycolmap")
        colmap.logging.minloglevel = 2
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            (folder / "pictures").mkdir()
            for i, picture in enumerate(pictures):
                Image.fromarray(picture).save(folder / "pictures" / f"{i:06d}.png")
            return self._scores(colmap, folder, len(pictures))

    def _scores(self, colmap: ModuleType, folder: Path, n: int) -> Scores:
        options = colmap.FeatureExtractionOptions(num_threads=1, use_gpu=False)
        colmap.extract_features(folder / "points.db", folder / "pictures", extraction_options=options)
        database = colmap.Database.open(folder / "points.db")
        row_of = {image.image_id: int(Path(image.name).stem) for image in database.read_all_images()}
        self._learn(colmap, database, list(row_of), folder / "words.bin")
        pairing = colmap.VocabTreePairingOptions(
            num_images=n, num_threads=1, vocab_tree_path=folder / "words.bin"
        )
        scores, places = np.full((n, n), -np.inf), Counter[int]()
        for one, other in colmap.VocabTreePairGenerator(pairing, database).all_pairs():
            scores[row_of[one], row_of[other]] = -places[one]
            places[one] += 1
        database.close()
        return scores

    def _learn(self, colmap: ModuleType, database: object, images: Sequence[int], file: Path) -> None:
        found = [database.read_descriptors(i).data for i in images]  # type: ignore[attr-defined]
        together = np.concatenate([each for each in found if len(each)]).astype(np.float32)
        kind = colmap.FeatureExtractorType.SIFT
        index = colmap.VisualIndex.create(together.shape[1], 64)
        options = colmap.VisualIndex.BuildOptions(
            num_visual_words=min(self.words, len(together)), num_rounds=1, num_iterations=25, num_threads=1
        )
        index.build(options, colmap.FeatureDescriptorsFloat(kind, together))
        index.write(file)


def words_by_bm25(bags: Sequence[NDArray[np.integer]]) -> Scores:
    """Rank all bags of words by all, by BM25 as the package ``bm25s`` comes."""
    bm25s = require("bm25s")
    size = 1 + max((int(bag.max()) for bag in bags if len(bag)), default=0)
    index = bm25s.BM25()
    tokens = [[int(word) for word in bag] for bag in bags]
    index.index((tokens, {str(word): word for word in range(size)}), show_progress=False)
    return np.stack([index.get_scores_from_ids(own) for own in tokens]).astype(np.float64)


PEERS: dict[str, Callable[[Sequence[Bytes]], Scores]] = {
    "plain: OpenCV SIFT, tf-idf": Plain(),
    "plain: SIFT, root": Plain(root=True),
    "plain: scikit-image superpixels, root": Plain("superpixel", root=True),
    "plain: dense grid, root": Plain("dense", root=True),
    "ImageHash average_hash, 64 bits": Hash("average_hash"),
    "ImageHash phash, 64 bits": Hash("phash"),
    "ImageHash dhash, 64 bits": Hash("dhash"),
    "ImageHash whash, 64 bits": Hash("whash"),
    "ImageHash phash, 256 bits": Hash("phash", 16),
    "COLMAP's vocabulary index": Colmap(),
}
"""What takes grey pictures."""
