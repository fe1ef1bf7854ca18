"""What is a table: rows for any program, a data frame where pandas is, and a table in a notebook."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from retrieval.errors import NotInstalledError


class Table(Protocol):
    """What has ``rows``, and so goes to pandas."""

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows, a dictionary each, all with the same keys."""
        ...

    def to_dataframe(self) -> Any:
        """Return ``rows`` as a pandas.DataFrame. Raise NotInstalledError if pandas is not there."""
        # pandas is no dependency: importing it takes 0.3 s, and most programs do without.
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            remedy = "run `pip install pandas`, or take rows()"
            raise NotInstalledError("pandas", "is not installed", remedy) from error
        return pandas.DataFrame(self.rows())
