"""Which images an answer is shown with: its own, read again if that gains detail, and matching slices."""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from retrieval.answers.grouping import Case
from retrieval.errors import PictureError
from retrieval.picture import Picture
from retrieval.region import Region
from viewer.answer import Answer, Caption, Row
from viewer.illustration import illustrate, illustrate_volume
from viewer.images import Images
from viewer.thumbnail import thumbnail

LARGE = (600, 400)


def picture(id: str, level: float = 0.5, shape: tuple[int, int] = LARGE) -> Picture:
    """Make a picture with a gradient from black to a level."""
    return Picture(np.tile(np.linspace(0, level, shape[1], dtype=np.float32), (shape[0], 1)), id=id)


class Shelf:
    """An index as pages see one: pictures by name, of which some files are gone or changed."""

    def __init__(self, pictures: Mapping[str, Picture], files: Mapping[str, Picture] | None = None) -> None:
        self.pictures, self.files = pictures, pictures if files is None else files
        self.n_read = 0

    def picture(self, id: str) -> Any:
        kept = self.pictures[id]
        return SimpleNamespace(
            shape=kept.shape[:2], groups={"series": id[0]}, metadata={}, labels=(f"of {id}",)
        )

    def thumbnail(self, id: str) -> bytes:
        return thumbnail(self.pictures[id])

    def read(self, id: str) -> Picture:
        self.n_read += 1
        if id not in self.files:
            raise PictureError(f"{id}: gone")
        return self.files[id]


def images(shelf: Shelf, **limits: float) -> Images:
    return Images(shelf, **limits)  # type: ignore[arg-type]


def size(encoded: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(encoded)).size


def test_an_image_whose_file_is_there_is_shown_in_detail_and_read_once() -> None:
    shelf = Shelf({"a": picture("a")})
    shown = images(shelf)
    assert size(shown.of("a")) == size(shown.of("a")) == (341, 512)
    assert shelf.n_read == 1


@pytest.mark.parametrize(
    "file",
    [None, picture("a", shape=(500, 400)), picture("a", level=0.0)],
    ids=["gone", "another size", "another image"],
)
def test_what_was_ranked_is_shown_if_the_file_is_another_by_now(file: Picture | None) -> None:
    shelf = Shelf({"a": picture("a")}, {} if file is None else {"a": file})
    assert images(shelf).of("a") == shelf.thumbnail("a")
    assert shelf.n_read == 1


def test_a_small_image_is_not_read_again() -> None:
    shelf = Shelf({"a": picture("a", shape=(256, 256))})
    assert images(shelf).of("a") == shelf.thumbnail("a")
    assert shelf.n_read == 0


@pytest.mark.parametrize("limits", [{"most_bytes": 1}, {"most_seconds": 0.0}])
def test_a_page_that_is_large_or_slow_gets_thumbnails(limits: dict[str, float]) -> None:
    shelf = Shelf({name: picture(name) for name in "abc"})
    shown = images(shelf, **limits)
    sizes = [size(shown.of(name)) for name in "abc"]
    assert sizes[1:] == [(128, 192)] * 2
    assert shelf.n_read == ("most_bytes" in limits)


def test_each_hit_has_its_image_with_its_box() -> None:
    shelf = Shelf({"a": picture("a"), "b": picture("b", 1.0)})
    rows = (Row(Caption("a"), 1, 1.0), Row(Caption("b"), 2, 0.5, box=(100, 200, 50, 60)))
    answer = Answer(Caption("q"), "sift", rows)
    plain = illustrate(answer, images(shelf), picture("q"))
    marked = illustrate(answer, images(shelf), "a", Region.box(10, 20, 100, 100))
    assert plain.rows[0].image == images(shelf).of("a")
    assert size(plain.image) == (341, 512)
    orange = np.asarray(Image.open(io.BytesIO(plain.rows[1].image))).astype(int)
    rows_found, cols_found = np.nonzero(orange[:, :, 0] - orange[:, :, 2] > 100)
    box = [cols_found.min(), rows_found.min(), cols_found.max(), rows_found.max()]
    assert box == pytest.approx([100 * 512 / 600, 200 * 512 / 600, 150 * 512 / 600, 260 * 512 / 600], abs=4)
    assert marked.image != plain.image
    assert (answer.rows[0].image, answer.image) == (b"", b"")


def volume_answer(aligned: tuple[tuple[str, str, float], ...]) -> Answer:
    case = Case("series", "b", (("b0", 1.0),), 8, aligned)
    return Answer(Caption("scan"), "sift", (Row(Caption("b0", "empty"), 1, 0.75, case=case),))


def test_a_hit_of_a_volume_is_shown_by_the_slice_that_matches_the_one_beside_it() -> None:
    shelf = Shelf({f"{s}{i}": picture(f"{s}{i}", 0.1 * i + 0.1) for s in "qb" for i in range(8)})
    asked = [f"q{i}" for i in range(8)]
    # The best hit, b0, is an empty slice at the end; the query is shown by q4.
    answer = volume_answer(tuple((f"q{i}", f"b{7 - i}", i / 10) for i in range(8)))
    shown = illustrate_volume(answer, images(shelf), asked)
    assert [one.id for one in shown.slices] == ["q0", "q2", "q4", "q5", "q7"]
    (row,) = shown.rows
    assert [one.id for one in row.slices] == ["b7", "b5", "b3", "b2", "b0"]
    assert [one.score for one in row.slices] == [0.0, 0.2, 0.4, 0.5, 0.7]
    assert (shown.image, row.image) == (images(shelf).of("q4"), images(shelf).of("b3"))
    assert (row.caption.id, row.caption.label, row.rank, row.score) == ("b3", "of b3", 1, 0.75)
    assert answer.rows[0].caption.id == "b0"


def test_a_slice_without_a_match_stays_empty() -> None:
    shelf = Shelf({name: picture(name) for name in ("q0", "q1", "b0")})
    shown = illustrate_volume(volume_answer((("q0", "b0", 0.5),)), images(shelf), ["q0", picture("q1")])
    (row,) = shown.rows
    assert [one.id for one in row.slices] == ["b0", ""]
    assert row.slices[1].image == b"" and row.caption.id == "b0"
    assert size(shown.slices[1].image) == (341, 512)


def test_a_volume_of_one_slice_shows_it_once() -> None:
    shelf = Shelf({name: picture(name) for name in ("q0", "b0")})
    shown = illustrate_volume(volume_answer((("q0", "b0", 0.5),)), images(shelf), ["q0"])
    assert [one.id for one in shown.slices] == ["q0"]
