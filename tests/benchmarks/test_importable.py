"""Every benchmark can be imported, so that what the product renames is renamed there too."""

import importlib
import pkgutil

import pytest

import benchmarks

MODULES = [found.name for found in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.")]
OURS = {"benchmarks", "bovw", "cli", "deep", "pacs", "retrieval", "scale", "semblance", "viewer"}


@pytest.mark.parametrize("name", MODULES)
def test_it_can_be_imported(name):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in OURS:
            raise
        pytest.skip(f"needs {error.name}")
