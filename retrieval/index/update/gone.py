"""What is gone of a folder or an archive: a mount that has shrunk looks like files that were deleted."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence

from ...errors import IndexFolderError
from ..catalogue.known_sources import NO_IMAGES, KnownSource, Recognised
from .scanned import Scope

_SHARE, _FEW = 1 / 3, 8
"""If a folder has lost more than this share of its images, and no fewer, the user is asked."""


def check_gone(scope: Scope, new: array[int], gone: Sequence[KnownSource], known: Recognised) -> None:
    """Refuse to forget a large share of the files of a folder that hold images; texts and the like are none.

    Those that were moved or renamed within the folder are new there, and as large.

    Parameters
    ----------
    new : places in the list of the files of ``scope``, which are not in the catalogue yet.
    """
    sizes = Counter(one.stat.size for one in gone if one.state not in NO_IMAGES)
    if sizes.total() >= _FEW:
        moved = sizes & Counter(scope.files[at].stat.size for at in new)
        check_share(scope.called, sizes.total() - moved.total(), known.n_images())


def check_share(where: str, n_gone: int, n_known: int) -> None:
    """Refuse to forget a large share of what is known of a place."""
    if n_gone >= _FEW and n_gone > _SHARE * n_known:
        raise IndexFolderError(
            f"{where}: {n_gone:,} of {n_known:,} indexed files are gone; mount what is missing, or take "
            "them out of the index with `semblance index --forget`"
        )
