"""The volumes: the images that the command line names, brought together as stacks of slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from retrieval.errors import PictureError

from .image_arguments import ImageFile, find_images, is_on_disk, read_images
from .query import Query, ids_meant, ids_of, indexed_name, nearest, reader_of, shown_name

if TYPE_CHECKING:
    from retrieval.index import Index
    from retrieval.readers.slice_stacks import Slice

Source = str | ImageFile
"""Where a slice comes from: its name in the index, or a file with the one frame."""


@dataclass(frozen=True, eq=False)
class Volume:
    """A stack of slices, in order, none of them in memory.

    Parameters
    ----------
    name : what it is called in the answer.
    slices : what is known of their places.
    sources : where they come from.
    """

    name: str
    slices: tuple[Slice, ...]
    sources: tuple[Source, ...]

    def read(self, index: Index, chosen: Sequence[int]) -> list[Any]:
        """Return the chosen slices as an index is asked with them: names, or images that are read now."""
        return [self._one(index, self.sources[int(number)]) for number in chosen]

    def query(self, index: Index) -> Query:
        """Return the query of at most as many slices as are asked with."""
        from retrieval.answers.late_interaction import spread

        # Slices are spread evenly: neighbours look alike, and each one costs a query.
        slices = self.read(index, spread(len(self.slices)).tolist())
        # The middle slice stands for the volume on pages and when its groups are compared.
        middle = slices[len(slices) // 2]
        members = tuple(source for source in self.sources if isinstance(source, str))
        if isinstance(middle, str):
            return Query(self.name, known_as=middle, slices=tuple(slices), members=members)
        return Query(self.name, replace(middle, id=self.name), slices=tuple(slices), members=members)

    def _one(self, index: Index, source: Source) -> Any:
        if isinstance(source, str):
            return source
        return next(iter(read_images([source], reader_of(index))))


def find_volumes(index: Index, images: Sequence[str], is_list: bool = False) -> list[Volume]:
    """Find the stacks among all images that the arguments name, the largest first.

    What is in the index is not read; the headers of the rest are, and their pixels go again. An indexed
    slice that is named alone stands for the stack that it belongs to, as on the page, unless it is a list of
    slices that has one.

    Raises
    ------
    PictureError : an argument that is neither in the index nor on disk, or no image at all.
    """
    from retrieval.readers.slice_stacks import find_stacks

    found: Sequence[tuple[Slice, Source]] = [part for image in images for part in _parts(index, image)]
    if not found:
        raise PictureError(f"{', '.join(images)}: holds no image")
    if len(images) == len(found) == 1 and not is_list and isinstance(name := found[0][1], str):
        found = [(one, one.name) for one in _stack_of(index, name)]
    slices, sources = zip(*found, strict=True)
    # One folder may hold several series, or one series several stacks: each is a volume of its own.
    stacks = find_stacks(slices)
    return [
        Volume(
            _name(index, images, slices[stack[0]], number, len(stacks)),
            tuple(slices[i] for i in stack),
            tuple(sources[i] for i in stack),
        )
        for number, stack in enumerate(stacks, start=1)
    ]


def volume_of(index: Index, image: str) -> Query:
    """Return the query of all slices of the stack of an image; SettingError for no image."""
    slices = _stack_of(index, image)
    # Names, not images: vectors of slices are stored, and nothing is read.
    return Volume(image, slices, tuple(one.name for one in slices)).query(index)


def _name(index: Index, images: Sequence[str], first: Slice, number: int, n_stacks: int) -> str:
    base = images[0] if len(images) == 1 else first.name
    # An id of the index is shown as it is; a file may be called after a patient.
    known = indexed_name(index, base)
    base = known if ids_of(index, known) else shown_name(index, base)
    return base if n_stacks == 1 else f"{base} (stack {number} of {n_stacks})"


def _parts(index: Index, image: str) -> Iterator[tuple[Slice, Source]]:
    if ids := ids_meant(index, image):
        yield from _indexed(index, ids)
    elif is_on_disk(image):
        for file in find_images([image]):
            ids = _ids_at(index, file)
            # Positions of indexed slices are in the catalogue, so that their files need not be read.
            yield from _indexed(index, ids) if ids else _on_disk(index, file)
    else:
        raise PictureError(f"{image}: neither in this index nor on disk{nearest(index, image)}")


def _stack_of(index: Index, image: str) -> tuple[Slice, ...]:
    """Return all slices of the stack of an indexed image; SettingError for no image."""
    from .stack import stack_of  # late: it takes NumPy

    return stack_of(index, image).slices


def _ids_at(index: Index, file: ImageFile) -> list[str]:
    """Return the ids of the images of a file, or of those of its frames that were named; else none."""
    ids = list(index.names_at(file.path))
    if file.frames is None:
        return ids
    named = {id.rpartition("#")[2]: id for id in ids}
    found = [named.get(str(frame), "") for frame in file.frames]
    return found if all(found) else []


def _indexed(index: Index, ids: Sequence[str]) -> Iterator[tuple[Slice, Source]]:
    from retrieval.readers.slice_stacks import Slice

    for id in ids:
        entry = index.picture(id)
        yield Slice.of(id, entry.groups, entry.metadata, entry.shape), id


def _on_disk(index: Index, file: ImageFile) -> Iterator[tuple[Slice, Source]]:
    from retrieval.readers.slice_stacks import Slice

    for picture in read_images([file], reader_of(index)):
        _, mark, frame = picture.id.removeprefix(file.name).rpartition("#")
        place = Slice.of(picture.id, picture.groups, picture.metadata, picture.shape)
        yield place, replace(file, frames=(int(frame),) if mark else None)
