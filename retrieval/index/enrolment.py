"""The enrolment: a representation is added to an index, or is recognised as the one that is there."""

from __future__ import annotations

from ..errors import IndexFolderError
from ..representation import Representation
from .bindings import Binding, add_binding, bindings, reset_binding
from .fit import note_learnt
from .recipe import difference, recipe_hash
from .store import Store


def enrol(store: Store, representation: Representation) -> None:
    """Add a representation, with what it has learnt where it is fitted already.

    One that is there but was never fitted takes the new settings.

    Raises
    ------
    IndexFolderError : one of that name is there with other settings, or learnt something else.
    """
    name, settings = representation.name, representation.settings
    old = _present(store, name)
    if old is None:
        with store.catalogue.transaction():
            add_binding(store.catalogue, name, settings)
    elif not old.is_fitted:
        with store.catalogue.transaction():
            reset_binding(store.catalogue, old.id, settings)
    elif (what := difference(name, old.settings, settings)) is not None:
        raise IndexFolderError(f"{store.folder}: {what}; leave the setting out, or make another index")
    if representation.is_fitted and representation.learnt():
        _keep_learnt(store, _present(store, name), representation)


def _keep_learnt(store: Store, binding: Binding | None, representation: Representation) -> None:
    """Publish what was learnt elsewhere, or refuse it where the index has learnt something else."""
    if binding is None:
        return
    recipe = recipe_hash(store.window.text, binding.name, representation.settings, representation.learnt())
    if binding.recipe is None:
        note_learnt(store, binding, representation, 0)
    elif binding.recipe != recipe:
        raise IndexFolderError(
            f"{store.folder}: {binding.name} learnt something else here; make another index"
        )


def _present(store: Store, name: str) -> Binding | None:
    return next((b for b in bindings(store.catalogue) if b.name == name and not b.is_next), None)
