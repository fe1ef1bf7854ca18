"""Learnt metrics: a linear map of the vectors of any representation, learnt from labels."""

from .learned import LearnedMetric
from .learner import METHODS, Learner
from .projection import Projection
from .trial import Trial, try_out

__all__ = ["METHODS", "LearnedMetric", "Learner", "Projection", "Trial", "try_out"]
