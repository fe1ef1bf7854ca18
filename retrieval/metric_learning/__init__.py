"""Learnt metrics: a linear map of the vectors of any representation, learnt from labels."""

from .blend import Blend, blend_of
from .cross_validation import CrossValidation, cross_validate
from .held_out import HeldOut, learn_held_out
from .learned_metric import LearnedMetric
from .metric_learner import METHODS, MetricLearner
from .projection import Projection

__all__ = [
    "METHODS",
    "Blend",
    "CrossValidation",
    "HeldOut",
    "LearnedMetric",
    "MetricLearner",
    "Projection",
    "blend_of",
    "cross_validate",
    "learn_held_out",
]
