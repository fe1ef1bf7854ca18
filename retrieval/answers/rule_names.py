"""The names of the rules by which rankings become answers, without NumPy: a command line offers them."""

from typing import Literal, get_args

FUSION_RULES = ("rrf", "z", "sum", "learnt")
"""See ``retrieval.answers.fusion``."""

VolumeRule = Literal["maxsim", "votes"]
"""See ``retrieval.answers.late_interaction``."""

VOLUME_RULES: tuple[VolumeRule, ...] = get_args(VolumeRule)
