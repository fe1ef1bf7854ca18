"""The index on disk: made once, brought up to date, asked by any number of processes."""

from .catalogue.pictures import Entry
from .index import Index
from .progress import Progress
from .search.find_labels import find
from .search.locate_range import Located, locate
from .search.query_options import Asked, Hit, Terms
from .update.apply_labels import LabelReport
from .update.learn_metric import drop_metric, learn_metric
from .update.run import UpdateReport
from .update.training_set import MetricReport, MetricTerms

__all__ = [
    "Asked",
    "Entry",
    "Hit",
    "Index",
    "LabelReport",
    "Located",
    "MetricReport",
    "MetricTerms",
    "Progress",
    "Terms",
    "UpdateReport",
    "drop_metric",
    "find",
    "learn_metric",
    "locate",
]
