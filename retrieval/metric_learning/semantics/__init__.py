"""Semantic profiles: what reports say of images that look like one."""

from .associations import Association, associations
from .cluster_profile import ClusterProfile
from .profile_learner import ProfileLearner
from .semantic_profile import SemanticProfile

__all__ = ["Association", "ClusterProfile", "ProfileLearner", "SemanticProfile", "associations"]
