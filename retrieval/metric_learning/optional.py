"""The extra: libraries that only ``semblance[metric]`` installs, loaded when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import SettingError

EXTRA = "metric"


def extra(module: str) -> Any:
    """Return a module of scikit-learn or SciPy. Raise SettingError, with the remedy, where it is absent."""
    try:
        return import_module(module)
    except ImportError as error:
        raise SettingError(
            f"{module.split('.')[0]} cannot be loaded ({error}); `pip install 'semblance[{EXTRA}]'`"
        ) from error
