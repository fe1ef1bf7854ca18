"""The command ``semblance``: find the sub-command, run it, and turn errors into one line and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

import click

from retrieval.errors import SettingError

from .error_lines import one_line, usage_line
from .group import COMMANDS, COMPLETE, GROUP, PROGRAM, parse

__all__ = ["COMMANDS", "main", "parse"]

DONE, FAILED, USAGE = 0, 1, 2

_OBJECTS = 50_000
"""New objects after which Python collects garbage: loaded modules make as many, and all stay."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 done, 1 failed, 2 wrong usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Python looks at every 700: an eighth of the time of a small query.
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])
    # Anywhere on the line, before the command or after it: click would know it in one place only.
    debug = "--debug" in arguments or bool(os.environ.get("SEMBLANCE_DEBUG"))
    _open_streams()
    _never_fail_to_print()
    try:
        return _run([word for word in arguments if word != "--debug"])
    # One line even with --debug: no place in our code is at fault.
    except click.UsageError as error:
        print(_usage_line(error), file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # Whoever read our output has had enough; keep the interpreter's last flush quiet as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            raise
        print(f"semblance: error: {one_line(error)}", file=sys.stderr)
        return USAGE if isinstance(error, SettingError) else FAILED


def _run(arguments: list[str]) -> int:
    """Run a command without click's own ``main``, whose errors take several lines."""
    # The shell asks for completions by a variable, and gives the line in others: see click.shell_completion.
    if COMPLETE in os.environ:
        from click.shell_completion import shell_complete

        return shell_complete(GROUP, {}, PROGRAM, COMPLETE, os.environ[COMPLETE])
    try:
        # Not GROUP.main: it writes the usage on a line of its own, and turns Ctrl-C into another error.
        with GROUP.make_context(PROGRAM, arguments) as context:
            code: int = GROUP.invoke(context)
    except click.exceptions.Exit as leaving:  # after --help and --version
        code = leaving.exit_code
    # A pipe that was closed must fail here, where it is caught, and not at the interpreter's exit.
    sys.stdout.flush()
    return code


def _usage_line(error: click.UsageError) -> str:
    """Say in one line what is wrong with a command line, and where its help is."""
    program = PROGRAM if error.ctx is None else error.ctx.command_path
    return f"semblance: error: {usage_line(error)} (see {program} --help)"


def _open_streams() -> None:
    """Give a stream that the caller closed (``>&-``, ``<&-``) a place to go, or nothing to read."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _never_fail_to_print() -> None:
    """Print what the terminal's encoding lacks as an escape, instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
