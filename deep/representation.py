"""The deep embedding: the representation of the second family."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import FitError, IndexFolderError, SemblanceError
from retrieval.picture import Picture
from retrieval.rankers.dense import ExactRanker
from retrieval.region import Region
from retrieval.representation import Arrays, Encoding
from retrieval.statistics.pca import Pca

from .networks.preprocessing import coverage, cut, prepare, views
from .networks.weight_files import belong
from .regions.region_search import RegionSearch
from .regions.window_embeddings import quantised, windows
from .settings import DEFAULT_SIDE, DeepSettings
from .vectors import centre, unit

if TYPE_CHECKING:
    from .networks.inference import Runner

_WHITENING = ("mean_", "components_", "variances_")
_MULTIPLE = 32


@dataclass(eq=False)
class DeepEmbedding(RegionSearch):
    """Describe a picture by the embedding of a convolutional network.

    What is learnt holds the weight file itself, so that an index answers for ever with the network that it
    was made with. ``torch`` is loaded with the first picture that is encoded.

    Parameters
    ----------
    chosen : the settings, the weights as the hash of their file.
    source : where the weight file is; None where ``restore`` will bring it.

    Attributes
    ----------
    weights_ : uint8 (n,), the weight file; None before it is learnt.
    centre_ : float32 (d,), the mean embedding, where ``centred`` asks for it; zero where pictures are few.
    whitening_ : a fitted PCA, where ``components`` asks for one; it takes the place of ``centre_``.
    """

    chosen: DeepSettings
    source: str | None = None
    weights_: NDArray[np.uint8] | None = field(init=False, default=None, repr=False)
    centre_: NDArray[np.float32] | None = field(init=False, default=None, repr=False)
    whitening_: Pca | None = field(init=False, default=None, repr=False)
    _runner: Any = field(init=False, default=None, repr=False)

    batch_size = 32
    """How many pictures are best encoded together."""
    query_settings = ("orientations", "scales")
    """The settings that change queries alone."""

    @property
    def name(self) -> str:
        """The entry point that makes it."""
        return "deep"

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting, as JSON holds it."""
        return {**asdict(self.chosen), "scales": list(self.chosen.scales)}

    @property
    def parts(self) -> tuple[type, ...]:
        """The dataclass whose fields the settings are."""
        return (DeepSettings,)

    @property
    def n_fit_pictures(self) -> int:
        """How many pictures ``learn`` wants at most: none without a mean and a whitening."""
        return self.chosen.fit_pictures if self.chosen.components or self.chosen.centred else 0

    @property
    def is_fitted(self) -> bool:
        """Tell whether there is a network, and a mean or a whitening where one is asked for."""
        if self.chosen.components:
            return self.weights_ is not None and self.whitening_ is not None
        return self.weights_ is not None and (self.centre_ is not None or not self.chosen.centred)

    @property
    def side(self) -> int:
        """Rows and columns of the square that the network sees."""
        return self.chosen.side or DEFAULT_SIDE

    @property
    def dimension(self) -> int:
        """The length of the vectors."""
        if self.whitening_ is not None:
            return len(self.whitening_.components_)
        return self._running.network.dimension

    def sample(self, picture: Picture) -> Arrays:
        """Return the square that the network would see; nothing where nothing is learnt from it."""
        if not self.n_fit_pictures:
            return {}
        return {"square": prepare(picture, self.side)}

    def load(self) -> Self:
        """Get the network; nothing where it is there. Raise SettingError where that is not possible."""
        from .networks.registry import fetch

        if self.weights_ is None:
            self.weights_ = np.frombuffer(fetch(self.chosen, self.source), dtype=np.uint8)
        return self

    def learn(self, samples: Iterable[Arrays]) -> Self:
        """Load the network, and learn the mean or the whitening.

        Raise FitError where there are too few samples for a whitening.
        """
        self.load()
        self.whitening_, self.centre_ = None, None
        if self.n_fit_pictures:
            embeddings = self._embeddings(samples)
            if self.chosen.components:
                self.whitening_ = self._whitening(embeddings)
            else:
                self.centre_ = centre(embeddings)
        return self

    def fit(self, pictures: Iterable[Picture]) -> Self:
        """Learn from pictures."""
        return self.learn(self.sample(picture) for picture in pictures)

    def prepare(self, picture: Picture) -> NDArray[np.uint8]:
        """Return what the network is given of a picture, uint8 (3, side, side); needs no torch."""
        self._check_fitted()
        return prepare(picture, self.side)

    def encode_prepared(self, squares: Sequence[NDArray[np.uint8]]) -> list[Encoding]:
        """Return the encodings of prepared pictures, computed as one batch."""
        if not squares:
            return []
        if not self.chosen.cells:
            return [Encoding(vector) for vector in self._finished(self._running.embed(np.stack(squares)))]
        whole, parts = self._running.embed_parts(np.stack(squares), windows(self.chosen.cells))
        pairs = zip(self._finished(whole), parts, strict=True)
        return [Encoding(vector, quantised(self._finished(own))) for vector, own in pairs]

    def encode(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return the embedding of a picture with its cells, or of a region: its box, pooled where it is.

        A region without a pixel gives a vector of zeros; one that is the picture is encoded as the picture.
        """
        self._check_fitted()
        if region is None or region.mask(picture.shape).all():
            return self.encode_prepared([prepare(picture, self.side)])[0]
        part = cut(picture, region, self.side)
        if part is None:
            return Encoding(np.zeros(self.dimension, dtype=np.float32))
        square, weights = part
        found = self._running.embed(square[None], None if weights is None else weights[None])
        return Encoding(self._finished(found)[0])

    def encode_query(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return the embedding of a query: of each of its ``orientations`` float32 (n, d), the best counts.

        With one orientation it is float32 (d,), and with one scale the same as ``encode``'s. The evidence of
        a region is its embedding among the cells.
        """
        evidence = None if region is None else self._of_region(picture, region)
        if self.chosen.orientations == 1 and tuple(self.chosen.scales) == (1.0,):
            whole = self.encode(picture, region)
            return whole if region is None else Encoding(whole.vector, evidence)
        self._check_fitted()
        part = cut(picture, region, self.side)
        if part is None:
            return Encoding(np.zeros(self.dimension, dtype=np.float32), evidence)
        found = [self._scaled(view) for view in views(part[0], self.chosen.orientations)]
        return Encoding(found[0] if len(found) == 1 else np.stack(found), evidence)

    def adjusted(self, **settings: Any) -> DeepEmbedding:
        """Return the same representation with other ``query_settings``."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
        other = DeepEmbedding(replace(self.chosen, **values), self.source)
        other.weights_, other.whitening_, other.centre_ = self.weights_, self.whitening_, self.centre_
        other._runner = self._runner
        return other

    def learnt(self) -> Arrays:
        """Return the weight file, and the mean or the whitening."""
        self._check_fitted()
        assert self.weights_ is not None
        stored: dict[str, NDArray[Any]] = {"weights": self.weights_}
        if self.whitening_ is not None:
            stored |= {f"whitening_{name}": getattr(self.whitening_, name) for name in _WHITENING}
        elif self.centre_ is not None:
            stored["centre"] = self.centre_
        return stored

    def restore(self, arrays: Arrays) -> Self:
        """Take back what ``learnt`` returned. Raise IndexFolderError where it does not fit the settings."""
        more = {"centre"} if self.chosen.centred else set()
        if self.chosen.components:
            more = {f"whitening_{name}" for name in _WHITENING}
        if set(arrays) != {"weights"} | more:
            raise IndexFolderError(f"deep: {', '.join(arrays)} do not fit the settings; index again")
        weights = arrays["weights"]
        if not belong(weights.tobytes(), self.chosen.model, self.chosen.weights):
            raise IndexFolderError("deep: its weights are not those of the settings; index again")
        if self.chosen.components:
            self.whitening_ = Pca(self.chosen.components, self.chosen.whitening)
            for name in _WHITENING:
                setattr(self.whitening_, name, np.array(arrays[f"whitening_{name}"]))
        elif self.chosen.centred:
            self.centre_ = np.array(arrays["centre"])
        self.weights_, self._runner = weights, None
        return self

    def make_ranker(self) -> ExactRanker:
        """Return an empty ranker by cosine."""
        self._check_fitted()
        return ExactRanker(self.dimension)

    def open_ranker(self, folders: Iterable[Path]) -> ExactRanker:
        """Open saved segments as one ranker."""
        self._check_fitted()
        return ExactRanker.open(folders, self.dimension)

    @property
    def _running(self) -> Runner:
        if self._runner is None:
            from .networks.registry import open_network

            if self.weights_ is None:
                raise FitError("deep has no network yet; call fit first")
            self._runner = open_network(self.chosen, self.weights_.tobytes())
        runner: Runner = self._runner
        return runner

    def _check_fitted(self) -> None:
        if not self.is_fitted:
            raise FitError("deep has no network yet, or lacks what it learns; call fit first")

    def _embeddings(self, samples: Iterable[Arrays]) -> NDArray[np.float32]:
        """Return what the network makes of samples, (n, d), in batches as they come."""
        found = [np.zeros((0, self._running.network.dimension), dtype=np.float32)]
        squares = (sample["square"] for sample in samples)
        while batch := list(islice(squares, self.batch_size)):
            found.append(self._running.embed(np.stack(batch)))
        return np.concatenate(found)

    def _of_region(self, picture: Picture, region: Region) -> NDArray[np.void] | None:
        """Return the embedding of a region, pooled from its picture's maps as cells are, as evidence (1,).

        (0,) where the region holds no pixel; None where no cells are kept.
        """
        if not self.chosen.cells:
            return None
        self._check_fitted()
        inside = coverage(picture, region, self.side)
        if inside is None:
            return quantised(np.zeros((0, self.dimension), dtype=np.float32))
        found = self._running.embed(prepare(picture, self.side)[None], inside[None])
        return quantised(self._finished(found))

    def _whitening(self, embeddings: NDArray[np.float32]) -> Pca:
        if len(embeddings) < 2:
            raise FitError(f"deep: {len(embeddings)} pictures are too few for a whitening; add pictures")
        return Pca(self.chosen.components, self.chosen.whitening).fit(embeddings)

    def _finished(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Centre or whiten embeddings (n, d) where that is asked for, and scale them to unit length."""
        vectors = embeddings if self.centre_ is None else embeddings - self.centre_
        if self.whitening_ is not None:
            vectors = self.whitening_.transform(embeddings)
        if not np.isfinite(vectors).all():
            raise SemblanceError("deep: the network returned values that are not finite; give other weights")
        return unit(vectors)

    def _scaled(self, square: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the embedding of a square at all scales together, float32 (d,)."""
        total: NDArray[np.float32] = np.zeros(self.dimension, dtype=np.float32)
        for scale in self.chosen.scales:
            side = max(_MULTIPLE, round(self.side * scale / _MULTIPLE) * _MULTIPLE)
            embeds = self._running.embed(square[None]) if scale == 1 else self._running.embed_at(square, side)
            total += self._finished(embeds)[0]
        length = np.float32(np.linalg.norm(total))
        return np.asarray(total / length if length > 0 else total, dtype=np.float32)
