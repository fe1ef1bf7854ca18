"""``semblance info``: say what an index holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from viewer.provenance import shown_settings
from viewer.safe_text import counted, printable

from ..options.argument_types import place
from ..options.command import command
from ..options.parameters import Arguments, argument, option

if TYPE_CHECKING:
    from retrieval.index.update.why import StepState

EXAMPLE = """example:
  semblance info scans.index
  semblance info scans.index --why
  semblance info scans.index --json

--why lists the steps that made the index, each with its key, a hash of its version, settings and
inputs: what has changed since, and what the next `semblance index` would do."""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder, or its shards.toml")
@option("--why", is_flag=True, help="list the steps, and what would run and because of what")
@option("--json", is_flag=True, help="print JSON")
def run(args: Arguments) -> int:
    """Print what the index says of itself."""
    from scale.shards.opening import open_index

    if args.why:
        return _say_why(args)
    with open_index(args.index) as index:
        info = index.info()
    print(json.dumps(info, indent=1) if args.json else "\n".join(outline(_readable(info))))
    return 0


def _say_why(args: Arguments) -> int:
    from retrieval.index.update.why import why

    steps = why(args.index)
    if args.json:
        print(json.dumps([asdict(step) for step in steps], indent=1))
        return 0
    for step in steps:
        of = f" of {', '.join(step.inputs)}" if step.inputs else ""
        # Eight digits tell the keys of one index apart.
        key = step.key[:8] or ("(not made)" if step.because else "(not there)")
        print(printable(f"{step.name} {key}{of}: {_state(step)}"))
    return 0


def _state(step: StepState) -> str:
    if step.runs:
        return f"{counted(step.runs, 'file')} to do, because {step.because}"
    missing = f"{step.missing}; " if step.missing else ""
    if step.because:
        return f"stale, because {step.because}; {missing}{step.remedy} makes it again"
    if missing:
        return f"up to date as far as is known, for {missing}{step.remedy} makes it again"
    return "up to date" if step.key else "not where it was"


def _readable(info: Mapping[str, Any]) -> dict[str, Any]:
    accounts = [{**one, "settings": shown_settings(one)} for one in info["representations"]]
    # The key is for programs; people read of images.
    named = {{"pictures": "images"}.get(key, key): value for key, value in info.items()}
    return {**named, "representations": accounts}


_BY_FILE = {"skipped", "burned_in_images"}
"""Description of each file, by its name."""


def outline(facts: Mapping[str, Any], indent: str = "", are_files: bool = False) -> list[str]:
    """Write nested facts as indented lines ``name: value``; members of a list go by their own names.

    ``are_files`` says that the keys are names of files.
    """
    lines: list[str] = []
    for name, value in facts.items():
        # Other keys are words of programs: `files_lacking` is shown as "files lacking".
        shown = printable(str(name) if are_files else str(name).replace("_", " "))
        nested = _by_name(value)
        if nested:
            lines += [f"{indent}{shown}:", *outline(nested, indent + "  ", name in _BY_FILE)]
        else:
            lines.append(f"{indent}{shown}: {_text(value)}")
    return lines


def _by_name(value: Any) -> Mapping[str, Any] | None:
    """Return a mapping as it is, a list of mappings by their ``name``, None for anything else."""
    if isinstance(value, Mapping):
        return value
    # A list of named things reads better as sections than as one long line.
    if isinstance(value, list) and all(isinstance(part, Mapping) and "name" in part for part in value):
        return {part["name"]: {key: part[key] for key in part if key != "name"} for part in value}
    return None


def _text(value: Any) -> str:
    # Before int: True is an int in Python.
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple | Mapping):
        return ", ".join(_text(part) for part in value) or "none"
    return printable(str(value))
