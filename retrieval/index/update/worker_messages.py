"""What crosses between the writing process and its workers; pixels stay in the worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...readers.limits import Limits
from ...readers.source import Band
from ...readers.tiling import Tiling
from ...representation import Arrays
from ..catalogue.contents import Contents
from ..catalogue.encoded_picture import EncodedPicture
from ..catalogue.files import State
from ..catalogue.privacy import Privacy
from ..catalogue.recipe import Factories
from .damaged_frames import Damage


@dataclass(frozen=True)
class Spec:
    """What a worker restores a representation from.

    ``model`` is the folder of what it learnt. Workers only prepare what is encoded ``in_batches``.
    """

    id: int
    name: str
    settings: Mapping[str, Any]
    model: Path | None
    in_batches: bool = False


@dataclass(frozen=True)
class Setup:
    """What a worker needs before its first task.

    Parameters
    ----------
    window : how values become grey levels, as text.
    salt : the key of pseudonyms and tombstones.
    specs : the representations.
    factories : makers of representations, by name; importable, as they are sent to processes.
    privacy : what the index keeps.
    limits : what the reading of a file may take.
    tiling : how slides are cut; None reads their first level.
    descriptions : the folder of what images that are learnt from were described by; None keeps none.
    """

    window: str
    salt: bytes
    specs: tuple[Spec, ...]
    factories: Factories
    privacy: Privacy
    limits: Limits = field(default_factory=Limits)
    tiling: Tiling | None = None
    descriptions: Path | None = None


@dataclass(frozen=True)
class Task:
    """A file to read, or a part of the tiles of a slide.

    Parameters
    ----------
    source, path, name : of the file.
    encode : the numbers of the representations that encode or sample it.
    has_thumbnails : make a thumbnail of each image.
    skip : the tombstone keys of removed frames, which are passed over.
    sample : with n above 0 nothing is encoded; n frames are drawn at random and sampled to learn from.
    seed : of the draw.
    also : the kinds of files that are read besides images of patients; None for all.
    part : the hash of what the file held when it was indexed; None if it is new, or that is not known.
    band : the part of the tiles of a slide; None for the whole of any file.
    pixels : the hashes of the pixels of all images that the index has of the file, by name: if it has these
        still, it is not encoded. Empty if that is not known, or some representation lacks them.
    """

    source: int
    path: Path
    name: str
    encode: tuple[int, ...]
    has_thumbnails: bool = True
    skip: frozenset[str] = frozenset()
    sample: int = 0
    seed: int = 0
    also: frozenset[str] | None = frozenset()
    part: bytes | None = None
    band: Band | None = None
    pixels: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int, int]:
        """Return what no other task of a run has: the number of the file, and that of the part."""
        return self.source, 0 if self.band is None else self.band.number

    @property
    def is_last(self) -> bool:
        """Tell if nothing of the file comes after it."""
        return self.band is None or self.band.is_last


@dataclass(frozen=True, eq=False)
class PartialResult:
    """Result of a task, or of a part of it.

    Parameters
    ----------
    pictures : encoded images.
    goes_on : more results of the same file follow.
    samples : of each frame that was drawn, by representation.
    n_frames : of the file, if it was sampled.
    damage : which frames could not be read, and why.
    contents : of a new file, with the last result of its first task: the hashes that it is recognised by.
    seconds : what reading and encoding took since the result before.
    is_same : the images have the pixels that they had, and are not encoded.
    """

    pictures: Sequence[EncodedPicture] = ()
    goes_on: bool = False
    samples: Sequence[Mapping[int, Arrays]] = ()
    n_frames: int = 0
    damage: Damage = field(default_factory=Damage)
    contents: Contents | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    is_same: bool = False


@dataclass(frozen=True)
class Failure:
    """Why a task has no result, and the state that its file gets; final if it is left out for what it is."""

    state: State
    reason: str
    is_final: bool = False
