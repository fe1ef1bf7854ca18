"""The enrolment: a representation or a window is taken by an index, or is recognised as its own."""

from __future__ import annotations

from ...errors import IndexFolderError, SettingError
from ...readers.window import Window
from ...representation import Loadable, Representation
from ..catalogue.pictures import next_picture
from ..catalogue.recipe import difference, recipe_hash, recipe_settings
from ..catalogue.representations import (
    StoredRepresentation,
    add_binding,
    bindings,
    note_recipe,
    reset_binding,
)
from ..storage.store import Store
from .fit import note_learnt


def register_representation(store: Store, representation: Representation) -> None:
    """Add a representation, with what it has learnt where it is fitted already.

    One that is there takes the new settings where it was never fitted, or no picture was ever indexed.

    Raises
    ------
    IndexFolderError : one of that name is there with other settings, or learnt something else.
    SettingError : a ``+`` in the name, which marks what is derived; ``learn_metric`` adds such. Or what it
        needs to learn, such as a weight file, cannot be had.
    """
    store.check_writable()
    name, settings = representation.name, recipe_settings(representation)
    if "+" in name:
        raise SettingError(f"{name}: a + in a name marks a learnt metric; learn_metric adds one")
    old = _present(store, name)
    what = None if old is None else difference(name, old.settings, settings)
    if old is not None and old.is_fitted and what is not None:
        _check_empty(store, what)
    if isinstance(representation, Loadable) and (old is None or not old.is_fitted or what is not None):
        representation.load()
    store.given[name] = representation
    if old is None:
        with store.catalogue.transaction():
            add_binding(store.catalogue, name, settings)
    elif what is not None:
        with store.catalogue.transaction():
            reset_binding(store.catalogue, old.id, settings)
    if representation.is_fitted and representation.learnt():
        _keep_learnt(store, _present(store, name), representation)


def require_window(store: Store, window: Window) -> None:
    """Take a window where no picture was ever indexed; what was learnt with another one is forgotten.

    Raises
    ------
    IndexFolderError : pictures were indexed with another window.
    """
    if window.text == store.window.text:
        return
    if _has_held_pictures(store):
        raise IndexFolderError(
            f"{store.folder}: window is {store.window.text} in this index, not {window.text}; "
            "leave it out, or make another index"
        )
    store.check_writable()
    recipes = {b.id: _recipe(store, b, window) for b in bindings(store.catalogue)}
    with store.catalogue.transaction():
        store.catalogue.run("UPDATE meta SET value = ? WHERE key = 'window'", window.text)
        for id, recipe in recipes.items():
            note_recipe(store.catalogue, id, recipe)


def _recipe(store: Store, binding: StoredRepresentation, window: Window) -> str | None:
    """Return the recipe with another window of what was not learnt from pictures of the index, else None."""
    if not binding.is_fitted or binding.n_fitted:
        return None
    representation = store.representation(binding)
    settings = recipe_settings(representation)
    return recipe_hash(window.text, binding.name, settings, representation.learnt())


def _check_empty(store: Store, what: str) -> None:
    """Refuse a setting that differs where the index has ever held a picture."""
    if _has_held_pictures(store):
        raise IndexFolderError(f"{store.folder}: {what}; leave the setting out, or make another index")


def _has_held_pictures(store: Store) -> bool:
    return next_picture(store.catalogue) > 1


def _keep_learnt(store: Store, binding: StoredRepresentation | None, representation: Representation) -> None:
    """Publish what was learnt elsewhere, or refuse it where the index has learnt something else."""
    if binding is None:
        return
    settings = recipe_settings(representation)
    recipe = recipe_hash(store.window.text, binding.name, settings, representation.learnt())
    if binding.recipe is None:
        note_learnt(store, binding, representation, 0)
    elif binding.recipe != recipe:
        raise IndexFolderError(
            f"{store.folder}: {binding.name} learnt something else here; make another index"
        )


def _present(store: Store, name: str) -> StoredRepresentation | None:
    return next((b for b in bindings(store.catalogue) if b.name == name and not b.is_next), None)
