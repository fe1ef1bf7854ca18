"""Privacy: what an index keeps besides vectors, as it was asked when it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import IntFlag
from typing import Self

from ...errors import OptionError
from .database import Catalogue

_NAMES, _SWITCH = ("plain", "hash"), ("on", "off")


class TextMark(IntFlag):
    """What is known of text on an image, as bits of a column: nothing is known if there is none."""

    NONE = 0
    HEADER = 1  # its header says that text is burned in
    SEEN = 2  # text was seen in its pixels
    LOOKED = 4  # somebody looked

    def __str__(self) -> str:
        """Return it in words."""
        sources = {TextMark.HEADER: "said by its header", TextMark.SEEN: "seen in its pixels"}
        return " and ".join(words for mark, words in sources.items() if mark in self) or "none"


_HAS_TEXT = f"burned_in & {TextMark.HEADER | TextMark.SEEN:d}"


@dataclass(frozen=True)
class Privacy:
    """What an index keeps.

    Parameters
    ----------
    names : ``plain`` keeps the names of files and folders, ``hash`` pseudonyms of them.
    thumbnails : ``on`` keeps a small image of each image, ``off`` none.
    burned_in : ``on`` takes images with burned-in text, ``off`` passes them over.
    find_text : ``on`` looks for such text in the pixels as well, ``off`` believes the headers.
    """

    names: str = "plain"
    thumbnails: str = "on"
    burned_in: str = "on"
    find_text: str = "on"

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            values = _NAMES if name == "names" else _SWITCH
            if getattr(self, name) not in values:
                raise OptionError(f"{getattr(self, name)!r} is none of {', '.join(values)}", name)

    @classmethod
    def asked(cls, wanted: Mapping[str, str | None]) -> Self:
        """Return what is asked for; None leaves the default. OptionError for a name that is none of these."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(wanted) - known):
            raise OptionError(f"{unknown[0]!r} is none of {', '.join(sorted(known))}", "privacy")
        return cls(**{name: value for name, value in wanted.items() if value is not None})

    @classmethod
    def of(cls, catalogue: Catalogue) -> Self:
        """Return what an index keeps; those that are older than these settings keep all."""
        known = {field.name for field in fields(cls)}
        rows = catalogue.rows("SELECT key, value FROM meta")
        return cls(**{str(key): str(value) for key, value in rows if key in known})


def leave_out_burned_in(catalogue: Catalogue) -> None:
    """Let an index pass over images with burned-in text from now on; the next update drops those it has.

    It also looks for text on the images that nobody has looked at.
    """
    looks = Privacy.of(catalogue).find_text == "on"
    unknown = f"OR NOT burned_in & {TextMark.LOOKED:d}" if looks else ""
    with catalogue.transaction():
        catalogue.run("INSERT OR REPLACE INTO meta VALUES ('burned_in', 'off')")
        # Read again, their files are passed over, and their images go.
        catalogue.run(
            "UPDATE source SET state = 'pending' "
            f"WHERE id IN (SELECT source FROM picture WHERE {_HAS_TEXT} {unknown})"
        )


def set_find_text(catalogue: Catalogue, switch: str) -> None:
    """Let an index look for text on the images that it takes from now on, ``on``, or not, ``off``."""
    with catalogue.transaction():
        catalogue.run("INSERT OR REPLACE INTO meta VALUES ('find_text', ?)", switch)


def with_text(catalogue: Catalogue, most: int | None = None) -> dict[str, TextMark]:
    """Return what is known of the images that have text on them, by their names, in order."""
    if catalogue.format < 3:
        return {}
    sql = f"SELECT name, burned_in FROM picture WHERE {_HAS_TEXT} ORDER BY name LIMIT ?"
    return {name: TextMark(marks) for name, marks in catalogue.rows(sql, -1 if most is None else most)}


def n_with_text(catalogue: Catalogue) -> int:
    """Return the number of images on which text is, by their headers or as it was seen."""
    return _count(catalogue, _HAS_TEXT) if catalogue.format >= 3 else 0


def n_not_looked_at(catalogue: Catalogue) -> int:
    """Return the number of images on whose pixels nobody looked for text."""
    return _count(catalogue, f"NOT burned_in & {TextMark.LOOKED:d}" if catalogue.format >= 3 else "1")


def _count(catalogue: Catalogue, condition: str) -> int:
    return int(catalogue.rows(f"SELECT count(*) FROM picture WHERE {condition}")[0][0])
