"""The parameters of a command: click's, with sections of help, choices, and values only if they are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from .argument_types import among, files, place, starting_with

F = TypeVar("F", bound=Callable[..., Any])
ARGUMENTS, OPTIONS = "arguments", "options"


class Arguments(SimpleNamespace):
    """The values of a command line, by the names of their parameters; ``command`` is the command's name."""


class Argument(click.Argument):
    """A positional argument with a line of help, which click has since 8.5 alone."""

    section = ARGUMENTS

    def __init__(
        self, decls: Sequence[str], help: str = "", choices: Sequence[Any] | None = None, **attributes: Any
    ) -> None:
        super().__init__(decls, **_completed(attributes, choices))
        self.meaning = help

    def make_metavar(self, ctx: click.Context | None = None) -> str:
        """Return the name as the usage line has it; dots follow if there may be several."""
        # Without brackets around optional ones: all of our arguments are required.
        return self.human_readable_name + ("..." if self.nargs != 1 else "")

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Return the name and the meaning, for the list in the help."""
        return self.human_readable_name, self.meaning


class Option(click.Option):
    """An option in a section of the help.

    Parameters
    ----------
    decls, attributes : see ``click.Option``.
    section : heading of the help under which it is listed.
    choices : the values that it may have; they complete in a shell, and a mistyped one gets a suggestion.
    only_if_given : whether the value is left out of the arguments unless the command line has it, so that
        a default is not taken for a wish.
    excludes : options with the same word here exclude each other.
    is_many : whether it takes any number of values, none included, up to the next option. The value is
        None if the option is not given.
    """

    def __init__(
        self,
        decls: Sequence[str],
        *,
        section: str = OPTIONS,
        choices: Sequence[Any] | None = None,
        only_if_given: bool = False,
        excludes: str = "",
        is_many: bool = False,
        **attributes: Any,
    ) -> None:
        attributes["multiple"] = attributes.get("multiple", False) or is_many
        super().__init__(list(decls), **_completed(attributes, choices))
        self.section, self.excludes = section, excludes
        self.only_if_given, self.is_many = only_if_given, is_many

    def is_given(self, ctx: click.Context) -> bool:
        """Tell whether the command line has the option."""
        return ctx.get_parameter_source(self.name or "") is ParameterSource.COMMANDLINE

    def value(self, ctx: click.Context) -> Any:
        """Return the value that a command gets."""
        # An option always has a name; mypy does not know that of click's class.
        value = ctx.params[self.name or ""]
        if self.is_many:
            # An empty text marks that the option was given without a value: see ``spread_many``.
            return [part for part in value if part] if self.is_given(ctx) else None
        return value


def argument(*decls: str, **attributes: Any) -> Callable[[F], F]:
    """Add a positional argument to a command; see ``Argument``."""
    return click.argument(*decls, cls=Argument, **attributes)


def option(*decls: str, **attributes: Any) -> Callable[[F], F]:
    """Add an option to a command; see ``Option``."""
    return click.option(*decls, cls=Option, **attributes)


def options(*made: Option) -> Callable[[F], F]:
    """Add options that were made already, in this order."""

    def decorate(run: F) -> F:
        # click's decorators collect from the bottom to the top, so its list is in reverse order.
        # As click.option does it; there is no public way to add options that are made already.
        run.__dict__.setdefault("__click_params__", []).extend(reversed(made))
        return run

    return decorate


def stack(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Join decorators into one that reads from top to bottom like a list of them."""

    def decorate(run: F) -> F:
        for decorator in reversed(decorators):
            run = decorator(run)
        return run

    return decorate


def forms(*names: str) -> Callable[[F], F]:
    """Add the options that choose the form of the output, such as ``--json``; only one may be given."""
    shown = {"trec": "TREC run lines"}
    return stack(
        *(
            option(f"--{name}", is_flag=True, excludes="form", help=f"print {shown.get(name, name.upper())}")
            for name in names
        )
    )


quiet = option("--quiet", is_flag=True, help="show no progress")
"""The option of commands that show progress."""


def form_of(args: Arguments) -> str:
    """Return which of the ``forms`` was chosen; ``table`` if none was."""
    return next((name for name in ("json", "csv", "trec") if getattr(args, name, False)), "table")


def _completed(attributes: dict[str, Any], choices: Sequence[Any] | None) -> dict[str, Any]:
    """Return the attributes of a parameter with what reads and completes its values."""
    # The function that reads a value makes the error, so click's own Choice is not used.
    if choices is not None:
        read = among(choices, attributes.get("type") or str)
        return {"shell_complete": starting_with(choices), **attributes, "type": read}
    # A path completes as the shell completes files.
    return {"shell_complete": files, **attributes} if attributes.get("type") is place else attributes
