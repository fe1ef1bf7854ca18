"""How Sphinx builds the documentation: Markdown pages, docstrings, and tables made from the code."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "Semblance"
copyright = "the Semblance authors"
version = release = installed_version("semblance")
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "docstrings", "generated"]
myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3
exclude_patterns = ["extensions"]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
add_module_names = False
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"Semblance {release}"
html_show_copyright = False
