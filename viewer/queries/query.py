"""The queries: what each IMAGE of ``semblance query`` means to an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import PictureError, SettingError, did_you_mean

from .image_arguments import ImageFile, Reader, find_images, is_on_disk, read_images
from .marked_region import Canvas

if TYPE_CHECKING:
    from retrieval.index import Index, QueryOptions
    from retrieval.picture import Picture
    from retrieval.readers.tiling import Frame


@dataclass(frozen=True, eq=False)
class Query:
    """One query: an id of the index, or an image that was read.

    Parameters
    ----------
    id : its id in the index, or the path that was given.
    picture : None if the index need not read anything.
    known_as : its id if it is one of the index, else None. Of a volume, one of its slices.
    slices : of a volume: what the index is asked with, in order; ``picture`` stands for it then.
    path : of the file that was read; None if none was.
    members : of a volume: the names of all its slices in the index, those too that are not asked with.
    """

    id: str
    picture: Picture | None = None
    known_as: str | None = None
    slices: tuple[Any, ...] = ()
    path: Path | None = None
    members: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Return the id of the index that its thumbnail and groups are taken from."""
        return self.known_as or self.id

    @property
    def subject(self) -> Any:
        """Return what the index is asked with."""
        return self.id if self.picture is None else self.picture


def find_queries(index: Index, images: Sequence[str]) -> Iterator[Query]:
    """Find what each IMAGE means: an id of the index first, then a path on disk.

    Raises
    ------
    PictureError : neither; the nearest ids are named.
    """
    for image in images:
        # Ids go first, since nothing is read for them; ./name always means the file.
        if ids := ids_meant(index, image):
            _check_is_no_slide(index, image, ids)
            yield from (Query(id, known_as=id) for id in ids)
        elif is_on_disk(image):
            yield from read_queries(index, image)
        elif (field := _field_of_slide(index, image)) is not None:
            yield field
        else:
            raise PictureError(f"{image}: neither in this index nor on disk{nearest(index, image)}")


def _check_is_no_slide(index: Index, image: str, ids: Sequence[str]) -> None:
    """Refuse a slide whose thousands of tiles would all ask."""
    if index.tiling is not None and len(ids) > 1 and "um_per_px" in index.picture(ids[0]).metadata:
        raise PictureError(
            f"{image}: a whole slide of {len(ids):,} tiles; mark a field of it by --region X,Y,W,H, or name "
            f"a tile, such as '{ids[0]}'"
        )


def slide_path(index: Index, image: str) -> Path | None:
    """Return the file of a slide that an IMAGE names, by its name in the index or on disk; else None.

    Raises PictureError for a slide that cannot be read.
    """
    if index.tiling is None:
        return None
    ids = ids_of(index, name := indexed_name(index, image))
    # A slide is named by its file; a tile, which has a name of its own, is none.
    has_tiles = bool(ids) and ids[0] != name
    path = index.path_of(ids[0]) if has_tiles else Path(image)
    if has_tiles and path is None:
        raise PictureError(f"{image}: its file is not there any more, or holds something else")
    return path if path is not None and path.is_file() and index.slide_facts(path) is not None else None


def _field_of_slide(index: Index, image: str) -> Query | None:
    """Read a tile or field of a slide of the index, ``s.svs#1.0um/40,30,512,512``; None if it is none."""
    from retrieval.readers.tiling import frame_of

    slide, _, part = image.rpartition("#")
    frame = frame_of(part)
    path = slide_path(index, slide) if slide and frame is not None else None
    if frame is None or path is None:
        return None
    picture = next(iter(index.read_query(path, [frame])))
    groups = {**picture.groups, **index.picture(index.names_at(path)[0]).groups}
    called = f"{shown_name(index, slide)}#{part}"
    return Query(called, replace(picture, id=called, groups=groups), path=path)


def read_queries(index: Index, image: str) -> Iterator[Query]:
    """Read the images of a file, a frame of one, or a folder. PictureError if it cannot be read."""
    for file in find_images([image]):
        # A file of the index brings its labels and groups, though its pixels are read anew.
        ids = index.names_at(file.path)
        for picture in read_images([file], reader_of(index)):
            if ids and "um_per_px" in picture.metadata:
                # A field of a slide is no image of the index, but its slide and its patient are known.
                picture = replace(picture, groups={**picture.groups, **index.picture(ids[0]).groups})
            yield replace(_read_query(index, picture, _known_as(ids, file, picture)), path=file.path)


def the_only(queries: Iterable[Query], image: str) -> Query:
    """Return the one query that an IMAGE means. SettingError if it means several, or a folder without any."""
    # A file with frames, or a folder, is many queries.
    found = list(queries)
    if len(found) == 1:
        return found[0]
    such = f", such as {found[0].id}" if found else ""
    raise SettingError(f"{image}: is {len(found)} images; name one{such}")


def ids_of(index: Index, image: str) -> list[str]:
    """Return the ids that an id names: itself, or those of all frames of a file; none if there are none."""
    if image in index:
        return [image]
    # file.dcm stands for all of its frames, file.dcm#0 and so on.
    return [name for name in index.names if name.startswith(f"{image}#")]


def ids_meant(index: Index, image: str) -> list[str]:
    """Return the ids that an IMAGE names, also by the name of a file that the index hides."""
    return ids_of(index, indexed_name(index, image))


def indexed_name(index: Index, image: str) -> str:
    """Return what the index calls an image or a file: its pseudonym if names are hidden; else as given.

    Not for those who ask over a network: they could try out whose images there are.
    """
    names = index.ask(lambda snapshot: snapshot.catalogue.names)
    known = names.known(image, lambda one: bool(ids_of(index, one))) if names.are_hidden else None
    return known or image


def reader_of(index: Index) -> Reader:
    """Return what reads files as the index reads its own, and calls their images as the user did."""

    def read(path: Path, name: str, frames: tuple[Frame, ...] | None) -> Iterator[Picture]:
        try:
            for picture in index.read_query(path, frames):
                # The reader names pictures after the file alone; the user may have given a longer path.
                yield replace(picture, id=name + picture.id.removeprefix(path.name))
        except PictureError as error:
            called = shown_name(index, name)
            # Also where it names a field as an example, which is to be typed as it stands there.
            text = str(error).removeprefix(path.name).replace(f"'{path.name}#", f"'{called}#")
            raise type(error)(called + text) from error

    return read


def _read_query(index: Index, picture: Picture, known_as: str | None) -> Query:
    """Return the query of an image that was read, with what the index knows of it besides its file."""
    if known_as is None:
        return Query(shown_name(index, picture.id), picture)
    entry = index.picture(known_as)
    # Metadata hold one value a column, so several labels cannot be one of them.
    label = {"label": entry.labels[0]} if len(entry.labels) == 1 else {}
    # What a table says of an image goes before what its header says.
    groups, metadata = {**picture.groups, **entry.groups}, {**picture.metadata, **entry.metadata, **label}
    # Where names are hidden, what is shown should be an id that can be asked for again.
    is_hidden = index.ask(lambda snapshot: snapshot.catalogue.names.are_hidden)
    called = known_as if is_hidden else picture.id
    known = replace(picture, groups=groups, metadata=metadata, indexed_as=known_as)
    return Query(called, known, known_as)


def shown_name(index: Index, name: str) -> str:
    """Return what a file that was named is called in answers: a pseudonym if the index hides names."""
    return index.ask(lambda snapshot: snapshot.catalogue.names.shown(name))


def _known_as(ids: Sequence[str], file: ImageFile, picture: Picture) -> str | None:
    """Return which of a file's ids in the index an image that was read from it has; None if none has."""
    frame = picture.id.removeprefix(file.name)
    return next((id for id in ids if id.endswith(frame)), None)


def canvas_of(index: Index, query: Query) -> Canvas:
    """Return the image of a query, for what is marked in it."""
    if query.picture is not None:
        picture = query.picture
        about = (picture.shape, picture.spacing, lambda: picture, "#" in Path(query.id).name)
        path = query.path or Path(query.id.partition("#")[0])
        return Canvas(*about, picture.metadata, lambda: nullcontext(path))
    entry = index.picture(query.shown)
    about = (entry.shape, entry.spacing, lambda: index.read(query.shown), entry.name != entry.source)
    return Canvas(*about, entry.metadata, lambda: _lent(index, query.shown))


@contextmanager
def _lent(index: Index, name: str) -> Iterator[Path | None]:
    """Lend the file of an indexed image; None if it cannot be had, as most masks need none."""
    file: Path | None = None
    with ExitStack() as stack:
        with suppress(PictureError):
            file = stack.enter_context(index.file_of(name))
        yield file


def asked_by(index: Index, options: QueryOptions) -> Sequence[str]:
    """Return the names of the representations that answer a query, whether it names them or not."""
    from retrieval.index.search.encode_query import asked  # late: a command starts without it

    return asked(options, index.default_representations, index.representation)


def default_by(index: Index) -> str:
    """Return the representation that is meant if none is named and only one can be taken.

    SettingError if the index holds none.
    """
    for name in index.default_representations:
        return name
    from retrieval.index.search.encode_query import not_fitted  # late: a command starts without it

    raise not_fitted()


def nearest(index: Index, image: str) -> str:
    """Return the end of a message that says which ids are nearest to an unknown one."""
    return did_you_mean(image, index.names, n=3) or "; check the name"
