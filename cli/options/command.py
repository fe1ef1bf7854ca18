"""A command: click's, with sections of options in its help, and flags that depend on other flags."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import click

from .access_log import access_log
from .key_flag import key_file, key_options
from .limit_flags import limits_of
from .parameters import Argument, Arguments, Option

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Run = Callable[[Arguments], int]
MoreOptions = Callable[[Sequence[str], Collection[str]], Sequence[Option]]
"""What returns more options, given the words of a command line and the flags that are known without them."""

_MORE, _WORDS = "semblance.more_options", "semblance.words"
WIDTH = 100
"""The longest line of a help text, in characters; a narrower terminal has shorter ones."""


class Command(click.Command):
    """A command that calls ``run`` with its arguments and returns the exit code.

    Parameters
    ----------
    run : what does the work.
    parameters : the options and arguments that it has always.
    example : shown at the end of its help, as it is.
    more : what adds options that depend on the command line, such as the settings of what ``--by`` names.
    """

    def __init__(
        self, run: Run, parameters: Sequence[click.Parameter], example: str, more: MoreOptions | None = None
    ) -> None:
        super().__init__(
            None,
            params=[*parameters, *key_options(parameters)],
            epilog=example,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
        )
        self.run = run
        self.more = more

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of a command line. Raise click.UsageError if they make no sense."""
        if self.more is not None:
            # Flags of representations take their packages to make: `more` gets what is known without them.
            known = {name for param in self.params for name in (*param.opts, *param.secondary_opts)}
            ctx.meta[_MORE] = self.more(args, known)
            ctx.meta[_WORDS] = [*args, "--help"]
        made = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        # Lenient parsing is that of completion: half a line is no error then.
        if not ctx.resilient_parsing:
            refuse_swallowed(ctx, args, made)
        elif args and args[-1] in hungry(made):
            args = args[:-1]  # its value is being typed; click would pass over all arguments
        try:
            rest = super().parse_args(ctx, spread_many(args, made))
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # click leaves it out if an option lacks its value
            raise
        if not ctx.resilient_parsing:
            refuse_both(ctx, made)
        return rest

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return all parameters, those that depend on the command line at the end."""
        # In the context and not in self.params: one command object parses many lines in tests and notebooks.
        return [*super().get_params(ctx), *ctx.meta.get(_MORE, ())]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a flag or an argument; flags that depend on the line are those that its help lists."""
        if self.more is not None and incomplete.startswith("-"):
            ctx.meta[_MORE] = self.more(ctx.meta[_WORDS], ())
        return super().shell_complete(ctx, incomplete)

    def invoke(self, ctx: click.Context) -> int:
        """Run the command and return its exit code."""
        args = self.arguments(ctx)
        try:
            with key_file(ctx.params.get("key")), limits_of(args), access_log(args):
                args.code = self.run(args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # the help that it names is that of the command
            raise
        return int(args.code)

    def arguments(self, ctx: click.Context) -> Arguments:
        """Return the values that were parsed."""
        # `shown` gets the ids that a command shows, for the access log.
        values: dict[str, Any] = {"command": ctx.info_name, "shown": []}
        # --help is a parameter too, but has no value to hand on.
        for param in self.get_params(ctx):
            if param.name not in ctx.params:
                continue
            if not isinstance(param, Option):
                values[param.name] = ctx.params[param.name]
            elif param.is_given(ctx) or not param.only_if_given:
                values[param.name] = param.value(ctx)
        return Arguments(**values)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the parameters of each section under its heading."""
        sections: dict[str, list[tuple[str, str]]] = {}
        # A dict keeps the order in which the sections come first: arguments, options, then the special ones.
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(param, "section", "options"), []).append(record)
        for name, records in sections.items():
            with formatter.section(name[0].upper() + name[1:]):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example as it is: its lines are commands, which must not be wrapped."""
        if self.epilog:
            formatter.write(f"\n{self.epilog}\n")


def command(example: str, more: MoreOptions | None = None) -> Callable[[Run], Command]:
    """Make a command of a function ``run(args)``, below which the parameters are listed as decorators."""

    def decorate(run: Run) -> Command:
        parameters: list[click.Parameter] = list(reversed(getattr(run, "__click_params__", [])))
        # Arguments first, as the usage line has them.
        return Command(run, sorted(parameters, key=lambda p: not isinstance(p, Argument)), example, more)

    return decorate


def refuse_swallowed(ctx: click.Context, args: Sequence[str], options: Sequence[click.Option]) -> None:
    """Refuse an option whose value was forgotten, so that it would take the next option for its value."""
    flags = {name for one in options for name in (*one.opts, *one.secondary_opts)}
    waiting = hungry(options)
    # `-o --by sift` would write to a file called --by; whoever means that can write `--output=--by`.
    for word, following in itertools.pairwise(args):
        if word == "--":
            return
        if word in waiting and following in flags:
            raise click.BadParameter("expected one argument", ctx=ctx, param=waiting[word])


def hungry(options: Sequence[click.Option]) -> dict[str, click.Option]:
    """Return the options that take the next word for their value, by each of their flags."""
    return {name: one for one in options for name in one.opts if not one.is_flag and not _is_many(one)}


def refuse_both(ctx: click.Context, options: Sequence[click.Option]) -> None:
    """Refuse two options that exclude each other."""
    first: dict[str, Option] = {}
    for one in options:
        if isinstance(one, Option) and one.excludes and one.is_given(ctx):
            # The first of each group that is given; a second one is named beside it.
            other = first.setdefault(one.excludes, one)
            if other is not one:
                raise click.BadParameter(f"not allowed with argument {other.opts[0]}", ctx=ctx, param=one)


def spread_many(args: Sequence[str], options: Sequence[click.Option]) -> list[str]:
    """Give each value of an option that takes many an option of its own: ``--x a b`` → ``--x=a --x=b``.

    The option alone becomes ``--x=``, for click has no option with any number of values.
    """
    many = {name for one in options if _is_many(one) for name in one.opts}
    spread: list[str] = []
    current: str | None = None
    for word in args:
        if word in many:
            current = word
            spread.append(f"{word}=")
        elif current is None or word.startswith("-"):
            current = None
            spread.append(word)
        else:
            spread.append(f"{current}={word}")
    return spread


def _is_many(one: click.Option) -> bool:
    return isinstance(one, Option) and one.is_many
