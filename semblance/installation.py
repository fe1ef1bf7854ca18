"""Whether the packages that are found are those that were installed together."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("bovw", "cli", "deep", "pacs", "retrieval", "scale", "viewer")
"""The packages that are installed beside this one. Their names are short, and others use them too."""


def refuse_hidden() -> None:
    """Raise ImportError if something else is found under the name of one of the packages.

    Python looks first in the folder of a notebook or script: a folder ``deep`` there would be imported.
    """
    # Only names are looked up: to import the packages here would cost what this package avoids.
    home = Path(__file__).resolve().parent.parent
    for name in PACKAGES:
        spec = find_spec(name)
        if spec is None:
            raise ImportError(f"semblance: its package {name} is missing; install semblance again")
        found = Path(spec.origin).resolve() if spec.origin else None
        if found != home / name / "__init__.py":
            place = found.parent if found is not None and found.name == "__init__.py" else found
            raise ImportError(
                f"semblance: {place or name} hides the package {name} of semblance, which is in {home}; "
                f"rename it, or start Python in another folder"
            )
