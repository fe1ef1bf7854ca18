"""The settings of deep embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retrieval.errors import SettingError

OWN = "semblance"
TIMM = "timm/"
DEFAULT_SIDE = 224
"""Side of the square that a network sees, if neither the settings nor its weights name one."""
ORIENTATIONS = (1, 2, 4, 8)


@dataclass(frozen=True)
class DeepSettings:
    """Choose a network and what is made of its embeddings.

    Parameters
    ----------
    model : ``semblance`` for the network of this project, or ``timm/NAME`` for one of timm's.
    weights : a weight file; ``bundled`` for those that come with the package, for timm ``hub`` for its own
        pretrained ones, fetched from the network if need be. Stored as the hash of the file.
    side : rows and columns of the square that images are stretched to, in pixels; by default the network's
        own (224 for timm).
    centred : subtract the mean embedding of the index's images from each, so that what all have in common
        does not count; learnt from ``fit_pictures``, if there are 32 or more.
    components : of a PCA-whitening learnt on the index; 0 for none.
    whitening : how much of it, 0 to 1: each component is divided by its deviation to this power; 0 only turns
        and centres.
    fit_pictures : the mean and the whitening are learnt from at most this number of images.
    cells : sizes of windows whose embeddings are stored of every image, to find regions in it: a half of its
        sides, a third, a fifth, three quarters and a tenth. 1 stores 9, 2 stores 34, 3 stores 115, 4 stores
        119, 5 stores 219, of 192 bytes each; 0 stores none, and regions are not located.
    surround : embed windows, and regions of queries, by how they differ from what surrounds them, up to
        twice their sides: finds marks far smaller than an image, such as lesions, best with ``side`` 352;
        off: by what they show.
    projected : describe an image by the network's projection of its pooled levels, which is what
        ``semblance train`` trains; off: by the pooled levels themselves, 448 values. Window embeddings are
        projected either way.
    symmetries : whose embeddings are averaged, of indexed images and of queries alike: 1, an image as it is;
        2, with its mirror image; 4, turned by quarters; 8, both, for tissue and cells, which have no upright.
        Each is a pass of the network.
    precision : of an index's embeddings: ``auto`` is bfloat16 if torch is installed and the processor or GPU
        computes in it, else float32, in which ``auto`` embeds queries; ``bfloat16`` is for both.
    orientations : of a query, 1, 2, 4 or 8: as it is; flipped; turned by quarters; both. The best one counts
        (SMILY, Hegde et al. 2019).
    scales : of a query, relative to ``side``; the embeddings at all of them are added.
    """

    model: str = OWN
    weights: str = ""
    side: int | None = None
    centred: bool = True
    components: int = 0
    whitening: float = 0.0
    fit_pictures: int = 500
    cells: int = 5
    surround: bool = False
    projected: bool = False
    symmetries: int = 2
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    orientations: int = 1
    scales: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if self.model != OWN and not self.model.startswith(TIMM):
            raise SettingError(f"model: {self.model!r} is unknown; give {OWN} or {TIMM}NAME")
        if self.side is not None and not 32 <= self.side <= 2048:
            raise SettingError(f"side: {self.side} is out of range; give 32 to 2048 pixels")
        if self.components < 0 or self.fit_pictures < 2 or not 0 <= self.whitening <= 1:
            raise SettingError(
                f"components {self.components}, fit_pictures {self.fit_pictures}, whitening "
                f"{self.whitening}: give 0 or more, 2 or more, and 0 to 1"
            )
        if not 0 <= self.cells <= 5:
            raise SettingError(f"cells: {self.cells}; give 0 to 5")
        if self.cells and self.model != OWN:
            raise SettingError(f"cells: {self.model} has no known maps to pool parts from; leave cells at 0")
        if self.surround and not self.cells:
            remedy = "give cells 1 to 5" if self.model == OWN else "leave surround off"
            raise SettingError(f"surround: there are no windows without cells; {remedy}")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise SettingError(f"precision: {self.precision!r} is unknown; give auto, float32 or bfloat16")
        if not self.projected and self.model != OWN:
            raise SettingError(f"projected: {self.model} has no known levels; leave projected on")
        if self.symmetries not in ORIENTATIONS:
            raise SettingError(f"symmetries: {self.symmetries}; give one of 1, 2, 4, 8")
        if self.orientations not in ORIENTATIONS:
            raise SettingError(f"orientations: {self.orientations}; give one of 1, 2, 4, 8")
        if not self.scales or not all(0.25 <= scale <= 4 for scale in self.scales):
            raise SettingError(f"scales: {self.scales}; give numbers from 0.25 to 4")
