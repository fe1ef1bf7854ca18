"""``semblance info``: say what an index holds."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .answer import printable

EXAMPLE = """example:
  semblance info scans.index
  semblance info scans.index --json"""


def configure(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """Add the arguments of the command."""
    parser.epilog = EXAMPLE
    parser.add_argument("index", type=Path, metavar="INDEX", help="the index, a folder")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print what the index says of itself."""
    from retrieval.index import Index

    with Index.open(args.index) as index:
        info = index.info()
    print(json.dumps(info, indent=1) if args.json else "\n".join(outline(info)))
    return 0


def outline(facts: Mapping[str, Any], indent: str = "") -> list[str]:
    """Write nested facts as indented lines ``name: value``."""
    lines: list[str] = []
    for name, value in facts.items():
        shown = str(name).replace("_", " ")
        if isinstance(value, Mapping):
            lines += [f"{indent}{shown}:", *outline(value, indent + "  ")]
        elif isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
            for part in value:
                lines += [f"{indent}{shown}:", *outline(part, indent + "  ")]
        else:
            lines.append(f"{indent}{shown}: {_text(value)}")
    return lines


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(_text(part) for part in value) or "none"
    return printable(str(value))
