"""Learnt metrics: a linear map of the vectors of any representation, learnt from labels."""

from .cross_validation import CrossValidation, cross_validate
from .held_out import HeldOut, learn_held_out
from .learned_metric import LearnedMetric
from .metric_learner import METHODS, MetricLearner
from .projection import Projection

__all__ = [
    "METHODS",
    "CrossValidation",
    "HeldOut",
    "LearnedMetric",
    "MetricLearner",
    "Projection",
    "cross_validate",
    "learn_held_out",
]
