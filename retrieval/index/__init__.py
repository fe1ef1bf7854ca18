"""The index on disk: made once, brought up to date, asked by any number of processes."""

from .index import Index
from .labelling import LabelReport
from .lesson import MetricReport, MetricTerms
from .metric import drop_metric, learn_metric
from .pictures import Entry
from .progress import Progress
from .terms import Hit
from .update import UpdateReport

__all__ = [
    "Entry",
    "Hit",
    "Index",
    "LabelReport",
    "MetricReport",
    "MetricTerms",
    "Progress",
    "UpdateReport",
    "drop_metric",
    "learn_metric",
]
