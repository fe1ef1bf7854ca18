"""The recipe: everything that decides how an image becomes numbers, and its hash.

Two vectors may be compared only if they were made by the same recipe. The catalogue keeps the hash, and
whoever opens a representation checks it: other settings, weights or grey-level windows give an error, never
wrong answers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ... import registry
from ...errors import IndexFolderError, NotInstalledError, SemblanceError
from ...representation import Arrays, Representation

Factory = Callable[..., Representation]
Factories = Mapping[str, Factory]
"""Makers of representations, by name, called with the settings; worker processes must be able to import
them."""

_VERSION = 1
"""Is part of what is hashed: raise it if the hash is to cover something else."""


def canonical(value: Any) -> str:
    """Return the canonical JSON text of a value: keys in order, no spaces, no NaN.

    >>> canonical({"b": (1, 2.5), "a": None})
    '{"a":null,"b":[1,2.5]}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def recipe_hash(window: str, name: str, settings: Mapping[str, Any], learnt: Arrays) -> str:
    """Return the hash of a recipe, 64 hexadecimal digits (SHA-256).

    It covers the window, the representation's name and settings, and every learnt array with its dtype and
    shape.
    """
    digest = hashlib.sha256(canonical([_VERSION, window, name, dict(settings)]).encode())
    # Name, dtype and shape go before the bytes: else two arrays with the same bytes would be one.
    for key in sorted(learnt):
        array = np.ascontiguousarray(learnt[key])  # the bytes of a view depend on its strides
        digest.update(canonical([key, array.dtype.str, array.shape]).encode())
        digest.update(array.data if array.size else b"")  # an empty array has no buffer to hash
    return digest.hexdigest()


def recipe_settings(representation: Representation) -> dict[str, Any]:
    """Return the settings that a recipe covers.

    ``later_settings`` of a representation are settings that earlier versions lacked, each with the value that
    gives what those versions gave. With that value a setting is left out, so that an index of an earlier
    version keeps its recipe.
    """
    later: Mapping[str, Any] = getattr(representation, "later_settings", {})
    return {
        name: value
        for name, value in representation.settings.items()
        if name not in later or value != later[name]
    }


def earlier_settings(representation: Representation, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``later_settings`` that stored settings lack, with what earlier versions gave.

    ``representation`` was made with the stored settings, so that it has today's default for these.
    """
    later: Mapping[str, Any] = getattr(representation, "later_settings", {})
    today = representation.settings
    return {name: value for name, value in later.items() if name not in stored and today[name] != value}


def with_settings(name: str, settings: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of representation ``name``: those given in place of what it had ``before``.

    Those of other representations are passed over. ``following_settings`` that are not given follow a setting
    that changes: a network of other weights sees squares of its own size. Raises as ``make_by`` does.
    """
    known = registry.make_by(name)
    own = registry.own_settings(known, settings)
    # What an earlier version made keeps what that version did, whatever is the default today.
    kept = {**before, **(earlier_settings(known, before) if before else {})}
    following: Mapping[str, Sequence[str]] = getattr(known, "following_settings", {})
    if before and not own.keys().isdisjoint(following):
        changed = registry.make_by(name, {**kept, **own}).settings
        for leader in (one for one in following if changed[one] != before[one]):
            kept = {one: value for one, value in kept.items() if one not in following[leader]}
    return {**kept, **own}


def make(name: str, settings: Mapping[str, Any], factories: Factories) -> Representation:
    """Make a representation by name: from ``factories``, else from the entry points.

    Raises
    ------
    IndexFolderError : nothing of that name is installed, or it no longer takes these settings.
    """
    factory = factories.get(name) or _installed(name)
    try:
        made = factory(**settings)
        earlier = earlier_settings(made, settings)
        return factory(**settings, **earlier) if earlier else made
    except (TypeError, SemblanceError) as error:
        raise IndexFolderError(
            f"representation {name!r}: its installed version refuses the settings of this index ({error}); "
            "install the version that made it, or index again"
        ) from error


def derived(base: Representation, name: str, settings: Mapping[str, Any]) -> Representation:
    """Make a representation that projects the vectors of another one. Raises as ``make`` does."""
    # Imported here: only an index with a learned metric needs it.
    from ...metric_learning import LearnedMetric
    from ...metric_learning.semantics import SemanticProfile

    kind = SemanticProfile if "terms" in settings else LearnedMetric
    return make(name, settings, {name: partial(kind, base, name)})


def difference(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any], first: Collection[str] = ()
) -> str | None:
    """Say which setting of two representations of one name differs, ``first`` of these; None if none does."""
    for key in sorted({*old, *new}, key=lambda one: (one not in first, one)):
        before, after = (canonical(s[key]) if key in s else "nothing" for s in (old, new))
        if before != after:
            return f"{name}: {key} is {before} in this index, not {after}"
    return None


def _installed(name: str) -> Factory:
    try:
        return registry.load(name)
    except NotInstalledError as error:
        remedy = f"install the package that provides it ({registry.REPRESENTATIONS})"
        if error.package is not None:
            remedy = f"install what it needs, for example `pip install 'semblance[{error.package}]'`"
        raise IndexFolderError(f"representation {name!r} {error.problem}; {remedy}") from error
