"""The task of a worker: read one file, and encode its images or draw samples from them.

What crosses between processes is here: ``Setup``, ``Task``, and the results. Pixels stay in the worker.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ...errors import PictureError
from ...picture import Picture
from ...rankers.array_files import load_arrays
from ...readers import DamagedFrame, LimitError, NotAPictureError, PassedOverError, Report
from ...readers.guarded import read_guarded
from ...readers.limits import Limits
from ...readers.reasons import reason_of
from ...readers.window import Window
from ...representation import Arrays, BatchEncoder, Encoding, Representation
from ..catalogue.contents import Contents, contents_of, part_of
from ..catalogue.encoded_picture import EncodedPicture
from ..catalogue.files import State
from ..catalogue.privacy import Privacy, TextMark
from ..catalogue.recipe import Factories, make
from ..catalogue.tombstones import tombstone_key
from ..storage.thumbnail import make_thumbnail
from .damaged_frames import about_damaged
from .encoding_limit import no_limit
from .text_marks import marks_of, without_text

FRAMES_PER_RESULT = 64
"""Frames of a file in one result: a stack of thousands must not be in memory as a whole."""


@dataclass(frozen=True)
class Spec:
    """What a worker restores a representation from; ``model`` is the folder of what it learnt."""

    id: int
    name: str
    settings: Mapping[str, Any]
    model: Path | None


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
    """

    window: str
    salt: bytes
    specs: tuple[Spec, ...]
    factories: Factories
    privacy: Privacy
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Task:
    """A file to read.

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


@dataclass(frozen=True, eq=False)
class PartialResult:
    """Result of a task, or of a part of it.

    Parameters
    ----------
    pictures : encoded images.
    goes_on : more results of the same file follow.
    samples : of each frame that was drawn, by representation.
    n_frames : of the file, if it was sampled.
    reason : which frames could not be read, and why; empty if all could.
    contents : of a new file, with its last result: the hashes that it is recognised by.
    """

    pictures: Sequence[EncodedPicture] = ()
    goes_on: bool = False
    samples: Sequence[Mapping[int, Arrays]] = ()
    n_frames: int = 0
    reason: str = ""
    contents: Contents | None = None


@dataclass(frozen=True)
class Failure:
    """Why a task has no result, and the state that its file gets; final if it is left out for what it is."""

    state: State
    reason: str
    is_final: bool = False


@dataclass
class Worker:
    """Do tasks one after the other, with representations that are restored once.

    ``limit`` puts a limit in force while an image of so many pixels is encoded. Raises IndexFolderError if a
    representation is not installed or refuses its settings.
    """

    setup: Setup
    limit: Callable[[Limits, int], AbstractContextManager[None]] = no_limit
    _made: dict[int, Representation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._window = Window.parse(self.setup.window)
        for spec in self.setup.specs:
            representation = make(spec.name, spec.settings, self.setup.factories)
            self._made[spec.id] = (
                representation.restore(load_arrays(spec.model)) if spec.model else representation
            )

    def run(self, task: Task) -> Iterator[PartialResult | Failure]:
        """Do one task: yield results, the last of which does not go on, or at the end a Failure."""
        try:
            # Opened first: a decoder would call a missing or forbidden file a damaged one, which is not tried
            # again; an OSError is.
            with task.path.open("rb"):
                pass
            # Another disc may be at the path: its images must not get the names of those of the first.
            if task.part is not None and part_of(task.path, self.setup.salt) != task.part:
                yield Failure(State.FAILED, "holds something else than when it was indexed")
                return
            yield from [self._sampled(task)] if task.sample else self._encoded(task)
        except NotAPictureError as error:
            yield Failure(State.IGNORED, str(error).removeprefix(f"{task.name}: "))
        except PassedOverError as error:
            yield Failure(State.SKIPPED, str(error).removeprefix(f"{task.name}: "), is_final=True)
        except LimitError as error:  # the machine may have been busy: it is tried again with the next update
            yield Failure(State.FAILED, str(error).removeprefix(f"{task.name}: "))
        except PictureError as error:
            yield Failure(State.SKIPPED, str(error).removeprefix(f"{task.name}: "))
        except OSError as error:
            yield Failure(State.FAILED, reason_of(error))
        except Exception as error:  # whatever a decoder raises costs this file only
            yield Failure(State.FAILED, f"internal error, please report it ({type(error).__name__})")

    def _read(self, task: Task, report: Report | None = None) -> Iterator[Picture]:
        salt, skip = self.setup.salt, task.skip
        about: dict[str, Any] = {"window": self._window, "salt": salt, "limits": self.setup.limits}
        pictures = read_guarded(task.path, task.name, also=task.also, report=report, **about)
        if self.setup.privacy.burned_in == "off":
            pictures = without_text(pictures, self.setup.privacy)
        return (picture for picture in pictures if not skip or tombstone_key(salt, picture.id) not in skip)

    def _encoded(self, task: Task) -> Iterator[PartialResult]:
        pictures: list[EncodedPicture] = []
        damaged: list[DamagedFrame] = []
        # Before it is decoded: if it changes meanwhile, the next update sees that and reads it again.
        contents = contents_of(task.path, self.setup.salt) if task.has_thumbnails else None
        for picture in self._read(task, damaged.append):
            if len(pictures) == FRAMES_PER_RESULT:
                yield PartialResult(pictures, goes_on=True)
                pictures = []
            with self.limit(self.setup.limits, picture.pixels.size):
                pictures.append(self._describe(picture, task))
        yield PartialResult(pictures, reason=about_damaged(damaged), contents=contents)

    def _describe(self, picture: Picture, task: Task) -> EncodedPicture:
        encodings: dict[int, Encoding] = {}
        prepared: dict[int, NDArray[Any]] = {}
        for id in task.encode:
            made = self._made[id]
            if isinstance(made, BatchEncoder):
                prepared[id] = made.prepare(picture)
            else:
                encodings[id] = made.encode(picture)
        thumbnail = make_thumbnail(picture) if self._keeps_thumbnail(task) else None
        about = (picture.shape, picture.spacing, dict(picture.groups), dict(picture.metadata))
        # Of an image that the index has it is known.
        marks = marks_of(picture, self.setup.privacy) if task.has_thumbnails else TextMark.NONE
        return EncodedPicture(picture.id, *about, encodings, thumbnail, prepared, marks)

    def _keeps_thumbnail(self, task: Task) -> bool:
        return task.has_thumbnails and self.setup.privacy.thumbnails == "on"

    def _sampled(self, task: Task) -> PartialResult:
        """Sample the frames whose names have the smallest keys; any order of frames gives the same ones.

        A heap of the best keeps memory at ``task.sample`` samples, however many frames the file has.
        """
        best: list[tuple[int, str, dict[int, Arrays]]] = []
        n_frames = 0
        for picture in self._read(task):
            n_frames += 1
            key = -sampling_key(  # negative: the heap pops the smallest, here the largest key
                task.seed, picture.id
            )
            if len(best) < task.sample or key > best[0][0]:
                with self.limit(self.setup.limits, picture.pixels.size):
                    drawn = (key, picture.id, {id: self._made[id].sample(picture) for id in task.encode})
                (heapq.heappush if len(best) < task.sample else heapq.heapreplace)(best, drawn)
        return PartialResult(samples=[s for _, _, s in sorted(best, key=lambda b: b[:2])], n_frames=n_frames)


def sampling_key(seed: int, name: str) -> int:
    """Return a pseudo-random number of a name, uint64, equal in all processes and on all machines.

    Taking the smallest keys is a uniform sample that does not depend on the order of files, on the number of
    processes, or on what else is in the index.
    """
    return int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "big")
