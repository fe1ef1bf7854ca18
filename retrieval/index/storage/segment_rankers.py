"""The ranker of a representation's segments: the representation's own, or the one that the user chose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...ranker import Ranker
from ...rankers.approximate import ApproximateRanker
from ...rankers.dense import ExactRanker
from ...representation import Representation
from .ranker_choice import AUTO, is_engine, kind_of, structure_of


def is_dense(representation: Representation) -> bool:
    """Tell if the ranker of a representation can be chosen: that of sparse vectors cannot."""
    return type(representation.make_ranker()) is ExactRanker


def structure_for(representation: Representation, choice: str, n: int) -> type[ApproximateRanker] | None:
    """Return the class that makes search structures for n images; None for none.

    Raises
    ------
    NotInstalledError : its library is not installed.
    """
    empty = representation.make_ranker()
    if type(empty) is not ExactRanker:
        return None
    kind = kind_of(choice, n, empty.dimension)
    if not issubclass(kind, ApproximateRanker):
        return None
    kind.check_installed()
    return kind


def open_segments(
    representation: Representation, folders: Sequence[Path], choice: str | None = None, n: int = 0
) -> Ranker:
    """Open the segments of a representation that holds n images as one ranker, of the user's choice if any.

    Raises
    ------
    IndexFolderError : a segment is damaged. NotInstalledError : the chosen ranker lacks its library.
    """
    # Segments without a search structure are read whole, unless an engine was chosen.
    if not is_engine(choice or AUTO) and not any(structure_of(folder) for folder in folders):
        return representation.open_ranker(folders)
    empty = representation.make_ranker()
    assert isinstance(empty, ExactRanker)
    return kind_of(choice or AUTO, n, empty.dimension).open(folders, empty.dimension, empty.metric)
