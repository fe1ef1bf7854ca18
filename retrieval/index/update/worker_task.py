"""The task of a worker: read one file, and encode its images or draw samples from them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from hashlib import blake2b
from typing import Any

from numpy.typing import NDArray

from ...errors import PictureError
from ...picture import Picture
from ...rankers.array_files import load_arrays
from ...readers import DamagedFrame, LimitError, NotAPictureError, PassedOverError, Report
from ...readers.guarded import read_guarded
from ...readers.limits import Limits
from ...readers.reasons import reason_of
from ...readers.tiling import Frame
from ...readers.window import Window
from ...representation import Arrays, BatchEncoder, Encoding, Representation
from ..catalogue.contents import contents_of, part_of
from ..catalogue.encoded_picture import EncodedPicture
from ..catalogue.files import State
from ..catalogue.pixel_hashes import pixel_hash
from ..catalogue.recipe import make
from ..catalogue.tombstones import tombstone_key
from ..storage.thumbnail import make_thumbnail
from .damaged_frames import Damage
from .drawn_tiles import draw_tiles
from .encoding_limit import no_limit
from .kept_descriptions import KeptDescriptions
from .same_pixels import unchanged
from .text_marks import marks_of, without_text
from .timings import Seconds
from .worker_messages import Failure, PartialResult, Setup, Task

FRAMES_PER_RESULT = 64
"""Frames of a file in one result: a stack of thousands must not be in memory as a whole."""


@dataclass
class Worker:
    """Do tasks one after the other, with representations that are restored once.

    ``limit`` takes a number of pixels, and puts a limit in force while an image of that size is encoded.
    Raises IndexFolderError if a representation is not installed or refuses its settings.
    """

    setup: Setup
    limit: Callable[[Limits, int], AbstractContextManager[None]] = no_limit
    _made: dict[int, Representation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._window = Window.parse(self.setup.window)
        self._descriptions = KeptDescriptions(self.setup.descriptions, self.setup.salt)
        for spec in self.setup.specs:
            representation = make(spec.name, spec.settings, self.setup.factories)
            if spec.model:
                restored = representation.restore(load_arrays(spec.model))
                representation = self._descriptions.recalled(spec.id, restored)
            self._made[spec.id] = representation
        self._in_batches = {spec.id for spec in self.setup.specs if spec.in_batches}

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

    def _read(
        self, task: Task, report: Report | None = None, frames: Collection[Frame] | None = None
    ) -> Iterator[Picture]:
        salt, skip = self.setup.salt, task.skip
        about: dict[str, Any] = {"window": self._window, "salt": salt, "limits": self.setup.limits}
        about |= {"also": task.also, "report": report, "frames": frames, "tiling": self.setup.tiling}
        about["band"] = None if frames is not None else task.band
        pictures = read_guarded(task.path, task.name, **about)
        if self.setup.privacy.burned_in == "off":
            pictures = without_text(pictures, self.setup.privacy)
        return (picture for picture in pictures if not skip or tombstone_key(salt, picture.id) not in skip)

    def _encoded(self, task: Task) -> Iterator[PartialResult]:
        pictures: list[EncodedPicture] = []
        damaged: list[DamagedFrame] = []
        # Before it is decoded: if it changes meanwhile, the next update sees that and reads it again.
        is_hashed = task.has_thumbnails and not task.key[1]
        contents = contents_of(task.path, self.setup.salt) if is_hashed else None
        seconds = Seconds()
        same, read = self._compared(task, damaged, seconds)
        if same is not None:
            yield PartialResult(same, contents=contents, seconds=dict(seconds), is_same=True)
            return
        for picture in read:
            if len(pictures) == FRAMES_PER_RESULT:
                yield PartialResult(pictures, goes_on=True, seconds=dict(seconds))
                pictures = []
                seconds.clear()
            with self.limit(self.setup.limits, picture.pixels.size):
                pictures.append(self._describe(picture, task, seconds))
        damage = Damage.of(damaged)
        yield PartialResult(pictures, damage=damage, contents=contents, seconds=dict(seconds))

    def _compared(
        self, task: Task, damaged: list[DamagedFrame], seconds: Seconds
    ) -> tuple[list[EncodedPicture] | None, Iterator[Picture]]:
        """Return what is kept of images that are as they were; else None, and all images to encode."""
        read = seconds.of_items("reading", self._read(task, damaged.append))
        if not task.pixels:
            return None, read
        same, rest = unchanged(read, task.pixels, self.setup.salt, partial(self._alone, seconds=seconds))
        if same is not None and not damaged:
            return same, iter(())
        if rest is not None:
            return None, rest
        damaged.clear()
        return None, seconds.of_items("reading", self._read(task, damaged.append))

    def _describe(self, picture: Picture, task: Task, seconds: Seconds) -> EncodedPicture:
        encodings: dict[int, Encoding] = {}
        prepared: dict[int, NDArray[Any]] = {}
        pixels = self._hash_of(picture)
        for id in task.encode:
            made = self._made[id]
            with seconds.of(f"encoding {made.name}"):
                if id in self._in_batches and isinstance(made, BatchEncoder):
                    prepared[id] = made.prepare(picture)
                else:
                    encodings[id] = self._descriptions.encode(id, made, picture, pixels)
        with seconds.of("thumbnails"):
            thumbnail = make_thumbnail(picture) if self._keeps_thumbnail(task) else None
        # Of an image that the index has the rest is known.
        kept = self._about(picture, seconds) if task.has_thumbnails else _named(picture)
        # Tiles of a slide that is read in bands are not compared later.
        if task.has_thumbnails and task.band is None:
            with seconds.of("hashing"):
                kept = replace(kept, pixels=pixels())
        return replace(kept, encodings=encodings, thumbnail=thumbnail, prepared=prepared)

    def _alone(self, picture: Picture, seconds: Seconds) -> EncodedPicture:
        with self.limit(self.setup.limits, picture.pixels.size):
            return self._about(picture, seconds)

    def _about(self, picture: Picture, seconds: Seconds) -> EncodedPicture:
        """Return what is kept of an image besides vectors and a thumbnail."""
        with seconds.of("looking for text"):
            return replace(_named(picture), text=marks_of(picture, self.setup.privacy))

    def _keeps_thumbnail(self, task: Task) -> bool:
        return task.has_thumbnails and self.setup.privacy.thumbnails == "on"

    def _sampled(self, task: Task) -> PartialResult:
        """Sample frames drawn at random; of a slide only the tiles that are drawn are read."""
        drawn = draw_tiles(task, self.setup, lambda name: sampling_key(task.seed, name))
        if drawn is None or not drawn.tiles:
            return self._sample_of(task)
        tiles = drawn.tiles if task.band is None else task.band.part(drawn.tiles)
        try:
            return replace(self._sample_of(task, tiles), n_frames=drawn.n_tiles)
        except PictureError:
            # One of them is damaged: others must take its place, which a band knows nothing of.
            if task.band is not None:
                raise
        return self._sample_of(task)

    def _sample_of(self, task: Task, frames: Collection[Frame] | None = None) -> PartialResult:
        """Sample the frames whose names have the smallest keys; any order of frames gives the same ones.

        A heap of the best keeps memory at ``task.sample`` samples, however many frames the file has.
        """
        best: list[tuple[int, str, dict[int, Arrays]]] = []
        n_frames = 0
        for picture in self._read(task, frames=frames):
            n_frames += 1
            key = -sampling_key(  # negative: the heap pops the smallest, here the largest key
                task.seed, picture.id
            )
            if len(best) < task.sample or key > best[0][0]:
                with self.limit(self.setup.limits, picture.pixels.size):
                    drawn = (key, picture.id, self._samples(picture, task))
                (heapq.heappush if len(best) < task.sample else heapq.heapreplace)(best, drawn)
        return PartialResult(samples=[s for _, _, s in sorted(best, key=lambda b: b[:2])], n_frames=n_frames)

    def _samples(self, picture: Picture, task: Task) -> dict[int, Arrays]:
        pixels = self._hash_of(picture)
        return {id: self._descriptions.sample(id, self._made[id], picture, pixels) for id in task.encode}

    def _hash_of(self, picture: Picture) -> Callable[[], bytes]:
        """Return what hashes the pixels of an image when it is first asked."""
        return cache(lambda: pixel_hash(picture, self.setup.salt))


def sampling_key(seed: int, name: str) -> int:
    """Return a pseudo-random number of a name, uint64, equal in all processes and on all machines.

    Taking the smallest keys is a uniform sample that does not depend on the order of files, on the number of
    processes, or on what else is in the index.
    """
    return int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "big")


def _named(picture: Picture) -> EncodedPicture:
    about = (picture.shape, picture.spacing, dict(picture.groups), dict(picture.metadata))
    return EncodedPicture(picture.id, *about, {}, None)
