"""The index on disk, for reading; ``retrieval.index.writer`` makes it and brings it up to date."""

from .catalogue.pictures import Entry
from .index import Index
from .progress import Progress
from .search.explain import HitExplanation
from .search.hits import Hit
from .search.locate_range import LocatedRange
from .search.query_options import QueryOptions

__all__ = ["Entry", "Hit", "HitExplanation", "Index", "LocatedRange", "Progress", "QueryOptions"]
