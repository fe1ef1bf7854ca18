"""The deep embedding: the representation of the second family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import FitError, IndexFolderError
from retrieval.picture import Picture
from retrieval.rankers.dense import ExactRanker
from retrieval.region import Region
from retrieval.representation import Arrays, Encoding

from .networks.preprocessing import cut, prepare, scaled_side, views
from .networks.registry import Computed
from .networks.remembered_embeddings import Remembers, Seen
from .networks.stored_network import StoredNetwork
from .networks.symmetric_embedding import SymmetricEmbedding
from .normalisation import Normalisations, unit
from .regions.region_embedding import region_embeddings
from .regions.region_search import RegionSearch
from .regions.window_embeddings import quantised, surroundings, windows
from .settings import DEFAULT_SIDE, DeepSettings


@dataclass(eq=False)
class DeepEmbedding(Computed, Remembers, RegionSearch):
    """Describe an image by the embedding of a convolutional network.

    An index stores the weight file with what is learnt, so that it always answers with the network that it
    was made with. It is opened with the first image that is encoded.

    Parameters
    ----------
    chosen : the settings, the weights as the hash of their file.
    source : the path of the weight file; None if ``restore`` will bring it.

    Attributes
    ----------
    network_ : the weight file, and the network once it runs.
    normalisations_ : the mean or the whitening of the index's embeddings, and that of window embeddings.
    """

    chosen: DeepSettings
    source: str | None = None
    network_: StoredNetwork = field(init=False, repr=False)
    normalisations_: Normalisations = field(init=False, repr=False)

    family = "deep"
    batch_size = 32
    """How many images are best encoded together."""
    query_settings = ("orientations", "scales")
    """The settings that change queries alone."""
    later_settings: ClassVar[Mapping[str, Any]] = {"projected": True, "symmetries": 1, "surround": False}
    """Settings that earlier versions lacked, with the values that give what they gave."""
    following_settings: ClassVar[Mapping[str, Sequence[str]]] = {"weights": ("side", "projected")}
    """Settings that are those of a weight file, where none are given."""

    def __post_init__(self) -> None:
        self.network_ = StoredNetwork(self.chosen, self.source, "deep has")
        self.normalisations_ = Normalisations.of(self.chosen)

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
        """How many images ``learn`` takes at most: none if neither mean nor whitening is asked for."""
        return self.chosen.fit_pictures if self.normalisations_.learns else 0

    @property
    def is_fitted(self) -> bool:
        """Whether there is a network, and the mean or whitening that is asked for."""
        return self.network_.weights_ is not None and self.normalisations_.is_fitted

    @property
    def side(self) -> int:
        """Rows and columns of the square that the network sees."""
        return self.chosen.side or DEFAULT_SIDE

    @property
    def dimension(self) -> int:
        """The length of the vectors."""
        whitening = self.normalisations_.whole.whitening_
        return self.network_.for_queries.dimension if whitening is None else len(whitening.components_)

    def sample(self, picture: Picture) -> Arrays:
        """Return the square that the network would see; nothing if nothing is learnt from it."""
        if not self.n_fit_pictures:
            return {}
        return {"square": prepare(picture, self.side)}

    def load(self) -> Self:
        """Get the weight file; nothing if it is there. Raise SettingError if that fails."""
        self.network_.load()
        return self

    def learn(self, samples: Iterable[Arrays]) -> Self:
        """Load the network, and learn the mean or the whitening; FitError if there are too few samples."""
        self.load()
        if self.n_fit_pictures:
            seen, as_parts = Seen(sample["square"] for sample in samples), self.normalisations_.has_own_parts
            whole, parts = self._averaged.embed_all(seen, self.batch_size, as_parts)
            self.normalisations_.fit(whole, parts)
            # What torch computes in batches is not what is computed of one image, to the last bit.
            if not self.in_batches and not self.chosen.cells:
                self.remembered_ = seen.as_embedded(whole)
        return self

    def fit(self, pictures: Iterable[Picture]) -> Self:
        """Learn from images."""
        return self.learn(self.sample(picture) for picture in pictures)

    def prepare(self, picture: Picture) -> NDArray[np.uint8]:
        """Return the square that the network sees of an image, uint8 (3, side, side); needs no torch."""
        self._check_fitted()
        return prepare(picture, self.side)

    def encode_prepared(self, squares: Sequence[NDArray[np.uint8]]) -> list[Encoding]:
        """Return the encodings of prepared images, computed as one batch."""
        return self._encodings(self._averaged, squares) if squares else []

    def _encodings(self, network: SymmetricEmbedding, squares: Sequence[NDArray[np.uint8]]) -> list[Encoding]:
        batch = np.stack(squares)  # (n, 3, side, side)
        if not self.chosen.cells:
            known = self.remembered_.get(batch[0]) if len(batch) == 1 else None
            found = network.embed(batch) if known is None else known
            return [Encoding(vector) for vector in self.normalisations_.whole(found)]
        places = windows(self.chosen.cells)
        around = surroundings(places) if self.chosen.surround else None
        whole, parts = network.embed_parts(batch, places, around)  # (n, d), (n, k, part d)
        pairs = zip(self.normalisations_.whole(whole), parts, strict=True)
        return [Encoding(vector, quantised(self.normalisations_.parts(own))) for vector, own in pairs]

    def encode(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return the embedding of an image and of its windows; of a region, that of its box.

        The box is pooled only inside the region. A region without a pixel gives a vector of zeros; one that
        covers the image is encoded as the image.
        """
        self._check_fitted()
        if region is None or region.mask(picture.shape).all():
            return self._encodings(self._alone, [prepare(picture, self.side)])[0]
        return self._part(picture, region, self._alone)

    def encode_query(self, picture: Picture, region: Region | None = None) -> Encoding:
        """Return the embedding of a query: float32 (n, d), one for each of its ``orientations``.

        The best of them counts. With one orientation it is float32 (d,), and with one scale the same as
        ``encode``'s. The evidence of a region is its embedding, pooled as windows of indexed images are.
        """
        self._check_fitted()
        is_plain = self.chosen.orientations == 1 and tuple(self.chosen.scales) == (1.0,)
        alone = self._alone
        if is_plain and region is None:
            return self._encodings(alone, [prepare(picture, self.side)])[0]
        evidence = self._region_embedding(picture, region or Region.whole(picture.shape))
        if is_plain:
            return Encoding(self._part(picture, region, alone).vector, evidence)
        part = cut(picture, region, self.side)
        if part is None:
            return Encoding(np.zeros(self.dimension, dtype=np.float32), evidence)
        turned, scales = views(part[0], self.chosen.orientations), self.chosen.scales
        found = [alone.embed_scaled(view, scales, self.normalisations_.whole) for view in turned]
        return Encoding(found[0] if len(found) == 1 else np.stack(found), evidence)

    def adjusted(self, **settings: Any) -> DeepEmbedding:
        """Return the same representation with other ``query_settings``."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
        other = DeepEmbedding(replace(self.chosen, **values), self.source)
        other.network_, other.normalisations_ = self.network_, self.normalisations_
        return other

    def learnt(self) -> Arrays:
        """Return the weight file, and the mean or the whitening."""
        self._check_fitted()
        assert self.network_.weights_ is not None
        return {"weights": self.network_.weights_, **self.normalisations_.arrays()}

    def restore(self, arrays: Arrays) -> Self:
        """Take back what ``learnt`` returned. Raise IndexFolderError if it does not fit the settings."""
        if set(arrays) != {"weights"} | self.normalisations_.array_names:
            raise IndexFolderError(f"deep: {', '.join(arrays)} do not fit the settings; index again")
        self.network_.restore(arrays["weights"])
        self.normalisations_.restore(arrays)
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
    def _averaged(self) -> SymmetricEmbedding:
        return SymmetricEmbedding(self.network_.runner, self.chosen.symmetries)

    @property
    def _alone(self) -> SymmetricEmbedding:
        return SymmetricEmbedding(self.network_.for_queries, self.chosen.symmetries)

    def _check_fitted(self) -> None:
        if not self.is_fitted:
            raise FitError("deep has no network yet, or lacks what it learns; call fit first")

    def _region_embedding(self, picture: Picture, region: Region) -> NDArray[np.void] | None:
        """Return a region's embedding in each orientation as evidence (n,), (0,) without a pixel.

        None if no windows are kept.
        """
        chosen = self.chosen
        if not chosen.cells:
            return None
        sides = [scaled_side(self.side, scale) for scale in chosen.scales]
        about = (chosen.surround, chosen.orientations)
        runner = self.network_.for_queries
        found = [region_embeddings(runner, picture, region, side, *about) for side in sides]
        parts = [self.normalisations_.parts(one) for one in found]
        return quantised(parts[0] if len(parts) == 1 else np.sum([unit(one) for one in parts], axis=0))

    def _part(self, picture: Picture, region: Region | None, network: SymmetricEmbedding) -> Encoding:
        """Return the embedding of a region's box, pooled only inside the region; zeros without a pixel."""
        part = cut(picture, region, self.side)
        if part is None:
            return Encoding(np.zeros(self.dimension, dtype=np.float32))
        square, weights = part
        found = network.embed(square[None], None if weights is None else weights[None])
        return Encoding(self.normalisations_.whole(found)[0])
