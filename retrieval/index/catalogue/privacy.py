"""Privacy: what an index keeps besides vectors, as it was asked when it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from ...errors import OptionError
from .database import Catalogue

_NAMES, _SWITCH = ("plain", "hash"), ("on", "off")


@dataclass(frozen=True)
class Privacy:
    """What an index keeps.

    Parameters
    ----------
    names : ``plain`` keeps the names of files and folders, ``hash`` pseudonyms of them.
    thumbnails : ``on`` keeps a small image of each image, ``off`` none.
    burned_in : ``on`` takes images whose header says that text is burned in, ``off`` passes them over.
    """

    names: str = "plain"
    thumbnails: str = "on"
    burned_in: str = "on"

    def __post_init__(self) -> None:
        known = {"names": _NAMES, "thumbnails": _SWITCH, "burned_in": _SWITCH}
        for name, values in known.items():
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
        rows = catalogue.rows("SELECT key, value FROM meta WHERE key IN ('names', 'thumbnails', 'burned_in')")
        return cls(**{str(key): str(value) for key, value in rows})


def leave_out_burned_in(catalogue: Catalogue) -> None:
    """Let an index pass over images with burned-in text from now on; the next update drops those it has."""
    with catalogue.transaction():
        catalogue.run("INSERT OR REPLACE INTO meta VALUES ('burned_in', 'off')")
        # Read again, their files are passed over, and their images go.
        catalogue.run(
            "UPDATE source SET state = 'pending' "
            "WHERE id IN (SELECT source FROM picture WHERE burned_in != 0)"
        )


def n_burned_in(catalogue: Catalogue) -> int:
    """Return the number of images whose header says that text is burned in."""
    if catalogue.format < 3:
        return 0
    return int(catalogue.rows("SELECT count(*) FROM picture WHERE burned_in != 0")[0][0])
