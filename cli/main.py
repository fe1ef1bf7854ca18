"""The command ``semblance``: find the sub-command, run it, and turn errors into one line and an exit code."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from retrieval.errors import SemblanceError, SettingError
from viewer.answer import printable

DONE, FAILED, USAGE = 0, 1, 2

COMMANDS = {
    "index": "make an index of folders of pictures, or bring it up to date",
    "query": "rank the indexed pictures by how much they look like a picture",
    "classify": "say what a picture is called after the labelled pictures that look like it",
    "explain": "draw what made a picture a hit, and test it",
    "evaluate": "measure what each representation is worth, with intervals and paired tests",
    "locate": "find where in a volume a range of slices lies, such as the lung",
    "points": "draw interest points, superpixels, and heat maps of where points fall",
    "train": "learn an embedding from labelled pictures",
    "learn-metric": "learn from labels which differences count, on the vectors of an index",
    "learn-fusion": "learn from labels how much each representation counts when they are fused",
    "map": "draw an index as a scatter of its pictures",
    "info": "say what an index holds",
    "verify": "check that an index is whole",
    "remove": "take pictures out of an index",
    "compact": "rewrite an index without what was removed, to free space",
    "demo": "do the main job on real pictures from installed packages",
}

EXAMPLE = """example:
  semblance demo
  semblance index scans/ -o scans.index
  semblance query scans.index patient7.dcm --report answer.html

Every command has its own help: semblance query --help
Results go to stdout, progress and messages to stderr; exit code 0 done, 1 failed, 2 wrong usage."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, like all the others of the command."""

    def error(self, message: str) -> NoReturn:
        """Print one line on stderr and leave with the exit code of wrong usage."""
        self.exit(USAGE, f"semblance: error: {message} (see {self.prog} --help)\n")


class _Version(argparse.Action):
    """Print the version; it is looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"semblance {version('semblance')}")
        parser.exit(DONE)


def make_parser(command: str | None = None, argv: Sequence[str] = ()) -> Parser:
    """Make the parser. Only ``command`` gets its arguments: the others need not be imported.

    A command's module has ``configure(parser, argv)``, which adds its arguments, and ``run(args)``, which
    does the work and returns the exit code.
    """
    parser = Parser(
        prog="semblance",
        description="Find medical pictures that look like a picture.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    parser.add_argument("--debug", action="store_true", help="show where an error came from")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name, summary in COMMANDS.items():
        added = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        added.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    if command is not None and command in COMMANDS:
        module = importlib.import_module(f".commands.{command.replace('-', '_')}", __package__)
        module.configure(commands.choices[command], argv)
        parser.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 done, 1 failed, 2 wrong usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments or bool(os.environ.get("SEMBLANCE_DEBUG"))
    _open_streams()
    _never_fail_to_print()
    try:
        return _run(arguments)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else DONE
    except BrokenPipeError:
        # Whoever read our output has had enough; keep the interpreter's last flush quiet as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            raise
        print(f"semblance: error: {_one_line(error)}", file=sys.stderr)
        return USAGE if isinstance(error, SettingError) else FAILED


def _run(arguments: list[str]) -> int:
    command = next((a for a in arguments if not a.startswith("-")), None)
    parser = make_parser(command, arguments)
    args, unknown = parser.parse_known_args(arguments)
    if args.run is None:
        parser.error(f"which command? One of {', '.join(COMMANDS)}")
    if unknown:
        parser.prog += f" {args.command}"
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    code: int = args.run(args)
    sys.stdout.flush()
    return code


def _one_line(error: BaseException) -> str:
    """Say in one line what went wrong, fit for a user."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; what was done is kept, run the same command to go on"
    if isinstance(error, SemblanceError):
        text = str(error)
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            text += "; free some space and run the same command again"
    elif isinstance(error, MemoryError):
        text = "out of memory; use fewer --jobs"
    else:
        text = f"internal error, please report it ({type(error).__name__}: {error}); --debug shows where"
    return printable(" ".join(text.split()))


def _open_streams() -> None:
    """Give a stream that the caller closed (``>&-``) a place to go."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


def _never_fail_to_print() -> None:
    """Print what the terminal's encoding lacks as an escape, instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
