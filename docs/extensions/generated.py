"""Directives that write reference pages from the code, so that nothing is typed twice.

``{commands}`` lists the commands of ``semblance`` with their help, ``{settings}`` the settings of each
installed representation with their defaults.
"""

from __future__ import annotations

import re
from typing import Any

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from cli.group import GROUP, JOBS, PROGRAM
from cli.options.command import Command
from cli.options.representation_flags import setting_options
from retrieval.registry import installed


def cell(text: str) -> str:
    """Return text that is safe in a cell of a Markdown table: nothing in it is markup."""
    for character in "\\|*_<>`[]$":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())


def code(text: str) -> str:
    """Return text as code in a cell of a Markdown table."""
    return f"`{text}`".replace("|", r"\|")


def table(head: tuple[str, str], records: list[tuple[str, str]]) -> list[str]:
    """Return the lines of a table whose first column is code."""
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    return [*lines, *(f"| {code(name)} | {cell(meaning)} |" for name, meaning in records), ""]


class Commands(SphinxDirective):
    """The commands, by the job they are for: summary, usage, parameters, example."""

    def run(self) -> list[nodes.Node]:
        """Write the sections of all jobs."""
        above = click.Context(GROUP, info_name=PROGRAM, max_content_width=100)
        lines: list[str] = []
        for job, commands in JOBS.items():
            lines += [f"## {job[0].upper()}{job[1:]}", ""]
            for name in commands:
                command = GROUP.get_command(above, name)
                assert command is not None
                lines += of_command(command, above)
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def of_command(command: Command, above: click.Context) -> list[str]:
    """Return the section of a command."""
    context = click.Context(command, info_name=command.name, parent=above)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f"### `{command.name}`", "", command.help or "", "", "```text", usage, "```", ""]
    sections: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            sections.setdefault(getattr(parameter, "section", "options"), []).append(record)
    for name, records in sections.items():
        lines += table((name, ""), records)
    return [*lines, "```text", command.epilog or "", "```", ""]


class Settings(SphinxDirective):
    """The settings of each installed representation, as flags with their meaning and default."""

    def run(self) -> list[nodes.Node]:
        """Write one section for each representation."""
        lines: list[str] = []
        context = click.Context(GROUP, info_name=PROGRAM)
        for name in installed():
            records: list[Any] = [option.get_help_record(context) for option in setting_options([name])]
            lines += [f"## `{name}`", "", *table(("setting", "meaning [default]"), records)]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def link_tables(app: Sphinx, document: str, source: list[str]) -> None:
    """Make links between results, which are files of another folder, links between pages."""
    if document.startswith("results/"):
        source[0] = re.sub(r"\[([^]]+)\]\(([\w/]+)\.md\)", r"{doc}`\1 <\2>`", source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives."""
    app.add_directive("commands", Commands)
    app.add_directive("settings", Settings)
    app.connect("source-read", link_tables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
