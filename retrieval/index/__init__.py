"""The index on disk, for reading; ``retrieval.index.writer`` makes it and brings it up to date.

The names below are imported when they are first used, so that the help and the completion of the command
line, which need the options of a query or the catalogue, do not wait for NumPy and Numba.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .catalogue.pictures import Entry
    from .index import Index
    from .progress import Progress
    from .search.explain import HitExplanation
    from .search.hits import Hit
    from .search.locate_range import LocatedRange
    from .search.query_options import QueryOptions
else:
    _MODULES = {
        "Entry": ".catalogue.pictures",
        "Hit": ".search.hits",
        "HitExplanation": ".search.explain",
        "Index": ".index",
        "LocatedRange": ".search.locate_range",
        "Progress": ".progress",
        "QueryOptions": ".search.query_options",
    }

    def __getattr__(name):
        """Import a name when it is first used (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_MODULES[name], __name__), name)


__all__ = ["Entry", "Hit", "HitExplanation", "Index", "LocatedRange", "Progress", "QueryOptions"]
