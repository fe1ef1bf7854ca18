"""What the extra ``pacs`` brings, asked for before it is needed."""

from __future__ import annotations

from importlib.util import find_spec

from retrieval.errors import ArchiveError


def require(package: str, shown: str) -> None:
    """Raise ArchiveError if a package is missing; ``shown`` is what messages call the archive."""
    if find_spec(package) is None:
        raise ArchiveError(f"{shown}: needs {package}; pip install 'semblance[pacs]'")
