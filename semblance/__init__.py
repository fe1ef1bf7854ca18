"""Semblance in Python: index folders of medical images, and find those that look like an image.

    import semblance

    index = semblance.index("scans", labels="labels.csv")
    answer = index.query("knee.dcm", region=(120, 80, 64, 64), k=5)
    answer.report("answer.html")

Everything that a program needs is here; the packages below may change from one version to the next. To
import this package loads none of them, nor numpy: each name is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .installation import refuse_hidden

if TYPE_CHECKING:
    from retrieval.errors import (
        FitError,
        IndexFolderError,
        NotInstalledError,
        PictureError,
        SemblanceError,
        SettingError,
    )
    from retrieval.index.export import Vectors

    from .making import make as index
    from .opened import Index
    from .opened import open_index as open
    from .results import Answer, Explanation, Hit
    from .updating import repair
    from .verdicts import Classification, Evaluation, Findings

__all__ = [
    "Answer",
    "Classification",
    "Evaluation",
    "Explanation",
    "Findings",
    "FitError",
    "Hit",
    "Index",
    "IndexFolderError",
    "NotInstalledError",
    "PictureError",
    "SemblanceError",
    "SettingError",
    "Vectors",
    "index",
    "open",
    "repair",
]

# What a caller would catch; each has a message of one line with the remedy.
_ERRORS = (
    "FitError",
    "IndexFolderError",
    "NotInstalledError",
    "PictureError",
    "SemblanceError",
    "SettingError",
)
# Where each name is defined. A table instead of imports: numpy alone would cost a quarter of a second.
_PLACES = {
    "Answer": ("semblance.results", "Answer"),
    "Classification": ("semblance.verdicts", "Classification"),
    "Evaluation": ("semblance.verdicts", "Evaluation"),
    "Explanation": ("semblance.results", "Explanation"),
    "Findings": ("semblance.verdicts", "Findings"),
    "Hit": ("semblance.results", "Hit"),
    "Index": ("semblance.opened", "Index"),
    "Vectors": ("retrieval.index.export", "Vectors"),
    "index": ("semblance.making", "make"),
    "open": ("semblance.opened", "open_index"),
    "repair": ("semblance.updating", "repair"),
    **{name: ("retrieval.errors", name) for name in _ERRORS},
}

# Before anything below is imported, since a wrong `deep` or `cli` would fail later and less clearly.
refuse_hidden()


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, there = _PLACES[name]
    # Kept in the module, so that this function is asked once for each name.
    found = globals()[name] = getattr(importlib.import_module(module), there)
    return found


def __dir__() -> list[str]:
    return __all__
