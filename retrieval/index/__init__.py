"""The index on disk: made once, brought up to date, asked by any number of processes."""

from .index import Index
from .labelling import LabelReport
from .pictures import Entry
from .progress import Progress
from .query import Hit
from .update import UpdateReport

__all__ = ["Entry", "Hit", "Index", "LabelReport", "Progress", "UpdateReport"]
