"""The index on disk: made once, brought up to date, asked by any number of processes."""

from .findings import find
from .index import Index
from .labelling import LabelReport
from .lesson import MetricReport, MetricTerms
from .locate import Located, locate
from .metric import drop_metric, learn_metric
from .pictures import Entry
from .progress import Progress
from .terms import Asked, Hit, Terms
from .update import UpdateReport

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
