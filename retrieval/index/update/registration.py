"""Registration: an index takes a representation or a window, or recognises it as the one it has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict

from ...errors import IndexFolderError, SettingError
from ...readers.kinds import also_named
from ...readers.tiling import Tiling
from ...readers.window import Window
from ...representation import Loadable, Representation
from ..catalogue.pictures import next_picture
from ..catalogue.privacy import leave_out_burned_in, set_find_text
from ..catalogue.recipe import difference, recipe_hash, recipe_settings
from ..catalogue.representations import (
    StoredRepresentation,
    add_representation,
    note_recipe,
    reset_representation,
    stored_representations,
)
from ..storage.store import Store
from .fit import note_learnt
from .refit import change_settings


def register_representation(store: Store, representation: Representation, remake: bool = False) -> None:
    """Add a representation, with what it has learnt if it is fitted already.

    One that the index has takes the new settings if it was never fitted, or if no image was ever indexed;
    with ``remake`` always, see ``change_settings``.

    Raises
    ------
    IndexFolderError : the index has one of that name with other settings, or that learnt something else.
    SettingError : a ``+`` in the name, which marks learned metrics (``learn_metric`` adds them); or something
        it needs, such as a weight file, cannot be loaded.
    """
    store.check_writable()
    name, settings = representation.name, recipe_settings(representation)
    # The part after the + is what `StoredRepresentation.base` cuts off.
    if "+" in name:
        raise SettingError(f"{name}: a + in a name marks a learnt metric; learn_metric adds one")
    old = _present(store, name)
    # Weights that differ are named before what follows from them.
    first = getattr(representation, "following_settings", {})
    what = None if old is None else difference(name, old.settings, settings, first)
    changes = remake and old is not None and old.is_fitted and _has_held_pictures(store)
    if old is not None and old.is_fitted and what is not None and not changes:
        _check_empty(store, what)
    # Weights are loaded before anything is written: a missing file must not leave half a registration. One
    # that is registered unchanged is not loaded, so that opening an index stays quick.
    if isinstance(representation, Loadable) and (old is None or not old.is_fitted or what is not None):
        representation.load()
    store.given[name] = representation
    if changes and old is not None:
        change_settings(store, old, settings)
    elif old is None:
        with store.catalogue.transaction():
            add_representation(store.catalogue, name, settings)
    elif what is not None:
        with store.catalogue.transaction():
            reset_representation(store.catalogue, old.id, settings)
    if representation.is_fitted and representation.learnt():
        stored = _next(store, name) if changes else None
        _keep_learnt(store, stored or _present(store, name), representation)


def take_also(store: Store, kinds: Collection[str]) -> None:
    """Let an index take more kinds of files, as ``readers.kinds.ALSO`` names them; those it takes stay."""
    kinds = also_named(kinds) | store.also
    if kinds != store.also:
        with store.catalogue.transaction():
            store.catalogue.run("INSERT OR REPLACE INTO meta VALUES ('also', ?)", " ".join(sorted(kinds)))


def require_privacy(store: Store, wanted: Mapping[str, str | None]) -> None:
    """Let an index look for burned-in text or not, and pass over images with it; it cannot change the rest.

    Raises
    ------
    IndexFolderError : the index was made with other names or thumbnails.
    """
    kept = asdict(store.privacy)
    for name in ("names", "thumbnails"):
        if wanted.get(name) not in (None, kept[name]):
            raise IndexFolderError(
                f"{store.folder}: was made with --{name} {kept[name]}, not {wanted[name]}; leave it out, or "
                "make another index"
            )
    find_text = wanted.get("find_text")
    if find_text is not None and find_text != kept["find_text"]:
        set_find_text(store.catalogue, find_text)
    if wanted.get("burned_in") == "off":
        leave_out_burned_in(store.catalogue)


def require_window(store: Store, window: Window) -> None:
    """Set the window if no image was ever indexed; what was learnt with another window is forgotten.

    Raises
    ------
    IndexFolderError : images were indexed with another window.
    """
    if window.text == store.window.text:
        return
    if _has_held_pictures(store):
        raise IndexFolderError(
            f"{store.folder}: window is {store.window.text} in this index, not {window.text}; "
            "leave it out, or make another index"
        )
    store.check_writable()
    # Weights that came with a representation fit any window, so its recipe is hashed again; what was learnt
    # from images is void, and is to be learnt again.
    recipes = {b.id: _recipe(store, b, window) for b in stored_representations(store.catalogue)}
    with store.catalogue.transaction():
        store.catalogue.run("UPDATE meta SET value = ? WHERE key = 'window'", window.text)
        for id, recipe in recipes.items():
            note_recipe(store.catalogue, id, recipe)


def require_tiling(store: Store, tiling: Tiling) -> None:
    """Set how slides are cut if no image was ever indexed.

    Raises
    ------
    IndexFolderError : images were indexed with another tiling, or without one.
    """
    if tiling == store.tiling:
        return
    if _has_held_pictures(store):
        known = store.tiling
        first = "reads the first level of slides as one image"
        what = first if known is None else f"cuts slides at {known.shown}"
        raise IndexFolderError(
            f"{store.folder}: {what}, not at {tiling.shown}; leave it out, or make another index"
        )
    store.check_writable()
    # An absent row means the first level, as in formats 1 to 3.
    with store.catalogue.transaction():
        store.catalogue.run("INSERT OR REPLACE INTO meta VALUES ('tiling', ?)", tiling.text)


def _recipe(store: Store, stored: StoredRepresentation, window: Window) -> str | None:
    """Return the recipe with another window; None if the representation learnt from images of the index."""
    if not stored.is_fitted or stored.n_fitted:
        return None
    representation = store.representation(stored)
    settings = recipe_settings(representation)
    return recipe_hash(window.text, stored.name, settings, representation.learnt())


def _check_empty(store: Store, what: str) -> None:
    """Refuse a setting that differs if the index has ever held an image."""
    if _has_held_pictures(store):
        raise IndexFolderError(f"{store.folder}: {what}; leave the setting out, or change it with --remake")


def _has_held_pictures(store: Store) -> bool:
    # Not "holds now": vectors of removed images stay in the segments until they are merged.
    return next_picture(store.catalogue) > 1


def _keep_learnt(store: Store, stored: StoredRepresentation | None, representation: Representation) -> None:
    """Commit what was learnt elsewhere, or refuse it if the index has learnt something else."""
    if stored is None:
        return
    settings = recipe_settings(representation)
    recipe = recipe_hash(store.window.text, stored.name, settings, representation.learnt())
    if stored.recipe is None:
        note_learnt(store, stored, representation, 0)
    elif stored.recipe != recipe:
        raise IndexFolderError(
            f"{store.folder}: {stored.name} learnt something else here; make another index"
        )


def _next(store: Store, name: str) -> StoredRepresentation | None:
    return next((b for b in stored_representations(store.catalogue) if b.name == name and b.is_next), None)


def _present(store: Store, name: str) -> StoredRepresentation | None:
    return next(
        (b for b in stored_representations(store.catalogue) if b.name == name and not b.is_next), None
    )
