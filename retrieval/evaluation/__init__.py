"""Evaluation: what rankings are worth, measured so that it can be trusted and repeated."""

from .evaluation import evaluate
from .fusion_lesson import FusionTerms, learn_fusion
from .judgements import Judgements
from .leaks import Leak
from .protocols import PROTOCOLS
from .result import Evaluation
from .significance import Comparison, randomisation_test
from .terms import FUSIONS, EvaluationTerms

__all__ = [
    "FUSIONS",
    "PROTOCOLS",
    "Comparison",
    "Evaluation",
    "EvaluationTerms",
    "FusionTerms",
    "Judgements",
    "Leak",
    "evaluate",
    "learn_fusion",
    "randomisation_test",
]
