"""The systems of an evaluation: baselines, representations, and fusions of those given together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import SettingError
from ..index.storage.snapshot import Snapshot
from .cross_fitting import cross_fitted
from .encoded import require_encoded
from .evaluation_options import EvaluationOptions
from .metric_systems import by_name
from .systems import BASELINES, System, baselines, fused, with_blind_feedback
from .task import EvaluationTask

Weights = dict[str, Mapping[str, float]]


def chosen_systems(
    snapshot: Snapshot, options: EvaluationOptions, task: EvaluationTask
) -> tuple[list[System], Weights]:
    """Return what is measured, and the weights of fusions that learn them, by name."""
    ways = _ways(snapshot, options)
    require_encoded(snapshot, (name for way in ways for name in way), task)
    systems = baselines(snapshot, options.seed) if options.baselines else []
    there = {system.name: system for system in systems}
    # A representation that is in several ways of ranking is ranked by once.
    single = {
        name: there.get(name) or by_name(snapshot, name, task, options.seed) for way in ways for name in way
    }
    alone = [way[0] for way in ways if len(way) == 1]
    systems += [single[name] for name in alone if name not in there]
    together = [way for way in ways if len(way) > 1]
    if len(alone) > 1:
        together.append(tuple(alone))
    weights: Weights = {}
    for members in together:
        systems += _fusions([single[name] for name in members], options, task, weights)
    if not systems:
        if left_out := [name for name, b in snapshot.stored.items() if b.is_fitted and name in BASELINES]:
            raise SettingError(
                f"by: baselines are left out, and the index has no other than {', '.join(left_out)}; name it"
            )
        raise SettingError("by: this index holds no fitted representation; run `semblance index` first")
    if options.blind:
        blind = [with_blind_feedback(s, options.blind) for s in systems if s.name not in BASELINES]
        systems += blind
    return systems, weights


def pair_proposers(systems: Sequence[System]) -> list[System]:
    """Return the systems whose nearest hits may be near-duplicates: those that rank by themselves."""
    return [s for s in systems if not (s.members or s.is_blind or s.name == "random")]


def _ways(snapshot: Snapshot, options: EvaluationOptions) -> list[tuple[str, ...]]:
    """Return the representations of each way of ranking; each fitted one alone if none is given."""
    ways = [tuple(part.strip() for part in way.split(",")) for way in options.by]
    if not ways:
        # Baselines are in every table already.
        ways = [(name,) for name, b in snapshot.stored.items() if b.is_fitted and name not in BASELINES]
    for way in ways:
        if len(set(way)) != len(way) or "" in way:
            raise SettingError(f"by: {','.join(way)}; name each representation once")
    if len(set(ways)) != len(ways):
        raise SettingError("by: a way of ranking is given twice; name each once")
    return ways


def _fusions(
    members: Sequence[System], options: EvaluationOptions, task: EvaluationTask, weights: Weights
) -> list[System]:
    """Return the fusions of some systems by each rule; learnt weights are added to ``weights``."""
    systems = []
    for how in options.fusion:
        if how == "learnt":
            system, weights_of = cross_fitted(members, task, options.seed)
            weights[system.name] = weights_of
        else:
            system = fused(members, how)
        systems.append(system)
    return systems
