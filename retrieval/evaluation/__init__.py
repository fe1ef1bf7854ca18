"""Evaluation: the quality of rankings, measured so that it can be trusted and repeated."""

from ..statistics.paired_tests import Comparison, randomisation_test
from .evaluation_options import FUSIONS, EvaluationOptions
from .leaks import Leak
from .learn_fusion import FusionOptions, learn_fusion, learn_fusions_again
from .protocols import PROTOCOLS
from .relevance import Judgements
from .result import Evaluation
from .run import evaluate

__all__ = [
    "FUSIONS",
    "PROTOCOLS",
    "Comparison",
    "Evaluation",
    "EvaluationOptions",
    "FusionOptions",
    "Judgements",
    "Leak",
    "evaluate",
    "learn_fusion",
    "learn_fusions_again",
    "randomisation_test",
]
