"""The commands: their names and what each does, by the job they are for. A module is loaded when called."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from retrieval.errors import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from .options.command import Command
    from .options.parameters import Arguments

PROGRAM = "semblance"
COMPLETE = "_SEMBLANCE_COMPLETE"
"""The variable by which the script of ``semblance completion`` asks for the ways to complete a line."""
WIDTH = 100
"""The longest line of the help, in characters."""

JOBS = {
    "index": {
        "index": "make an index of folders of images, or bring it up to date",
        "receive": "take images that a scanner or an archive sends, and index them",
    },
    "ask": {
        "query": "rank the indexed images by how much they look like an image",
        "classify": "say what an image is called after the labelled images that look like it",
        "explain": "draw what made an image a hit, and test it",
        "serve": "open indexes in a browser: mark a region, see what looks like it",
        "locate": "find where in a volume a range of slices is, such as the lung",
    },
    "measure and look": {
        "evaluate": "measure how well each representation retrieves, with intervals and paired tests",
        "points": "draw interest points, superpixels, and heat maps of where points fall",
        "map": "draw an index as a scatter of its images",
    },
    "learn": {
        "train": "learn an embedding from labelled images",
        "learn-metric": "learn from labels which differences count, on the vectors of an index",
        "learn-profile": "learn from reports what images that look alike have",
        "learn-concept": "learn from marked fields what queries can be moved towards",
        "learn-fusion": "learn from labels how much each representation counts when they are fused",
    },
    "look after an index": {
        "info": "say what an index holds",
        "verify": "check that an index is whole",
        "repair": "put a damaged index right, as far as it can be",
        "audit": "look for what looks like an identifier in an index, a page or a folder",
        "duplicates": "list images that are near-duplicates of each other",
        "remove": "take images out of an index",
        "export": "write the vectors of an index for other tools",
        "shard": "split an index into shards, for several machines",
        "push": "copy the dense vectors of an index to a search engine",
        "compact": "rewrite an index without what was removed, to free space",
    },
    "get started": {
        "demo": "do the main job on real images from installed packages",
        "warm": "compile all kernels now, so that no later command waits for them",
        "completion": "print what lets a shell complete commands, flags, and names",
    },
}

COMMANDS = {name: summary for job in JOBS.values() for name, summary in job.items()}

EXAMPLE = """example:
  semblance demo
  semblance index scans/ -o scans.index
  semblance query scans.index patient7.dcm --report answer.html

Every command has its own help: semblance query --help
Results go to stdout, progress and messages to stderr; exit code 0 done, 1 failed, 2 wrong usage."""


class CommandGroup(click.Group):
    """All commands. The module of one is imported only when it is called, and none for the help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Command | None:
        """Load a command; None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        # The one import of a command: `semblance --help` and completion of commands make none.
        module = importlib.import_module(f".commands.{cmd_name.replace('-', '_')}", __package__)
        found: Command = module.run
        summary = COMMANDS[cmd_name]
        # A command is called and explained by the table above, so that both are written once.
        found.name, found.help = cmd_name, f"{summary[0].upper()}{summary[1:]}."
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of a command line. Raise click.UsageError if there is none of its name."""
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            near = did_you_mean(args[0], COMMANDS) or f"; one of {', '.join(COMMANDS)}"
            raise click.UsageError(f"no such command: {args[0]!r}{near}", ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what precedes the command. Raise click.UsageError if no command is named."""
        # Asked before click parses: it takes the words from the list as it reads them.
        is_empty = all(word.startswith("-") for word in args)
        rest = super().parse_args(ctx, args)
        if is_empty and not ctx.resilient_parsing:
            raise click.UsageError(f"which command? One of {', '.join(COMMANDS)}", ctx)
        return rest

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command, without loading any, or a flag."""
        from click.shell_completion import CompletionItem

        # click would load every command whose name fits, to leave hidden ones out; none is hidden.
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=COMMANDS[name]) for name in COMMANDS if name.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands of each job under its heading."""
        indent = max(map(len, COMMANDS))
        for job, commands in JOBS.items():
            with formatter.section(job[0].upper() + job[1:]):
                # Names are padded so that the summaries of all sections start in one column.
                formatter.write_dl([(name.ljust(indent), summary) for name, summary in commands.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example as it is."""
        formatter.write(f"\n{EXAMPLE}\n")


GROUP = CommandGroup(
    PROGRAM,
    help="Find medical images that look like an image.",
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
    params=[
        click.Option(
            ["--debug"], is_flag=True, expose_value=False, help="Show where an error came from; anywhere."
        )
    ],
)
click.version_option(package_name=PROGRAM, prog_name=PROGRAM, message="%(prog)s %(version)s")(GROUP)


def parse(arguments: Sequence[str]) -> Arguments:
    """Parse a command line without running it, and return the values of its parameters.

    Raises
    ------
    click.UsageError : there is no such command, or its arguments make no sense.
    """
    # A context of its own: the usage in an error then names the program as well as the command.
    above = click.Context(GROUP, info_name=PROGRAM)
    name, command, rest = GROUP.resolve_command(above, list(arguments))
    assert command is not None
    found: Command = command  # type: ignore[assignment]  # get_command returns no other
    return found.arguments(found.make_context(name, rest, parent=above))
