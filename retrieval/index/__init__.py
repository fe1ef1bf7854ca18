"""The index on disk: made once, brought up to date, asked by any number of processes."""

from .catalogue.pictures import Entry
from .index import Index
from .progress import Progress
from .search.find_labels import find
from .search.locate_range import LocatedRange, locate
from .search.query_options import Hit, QueryKeywords, QueryOptions
from .update.apply_labels import LabelReport
from .update.learn_metric import drop_metric, learn_metric
from .update.run import UpdateReport
from .update.training_set import MetricOptions, MetricReport

__all__ = [
    "Entry",
    "Hit",
    "Index",
    "LabelReport",
    "LocatedRange",
    "MetricOptions",
    "MetricReport",
    "Progress",
    "QueryKeywords",
    "QueryOptions",
    "UpdateReport",
    "drop_metric",
    "find",
    "learn_metric",
    "locate",
]
