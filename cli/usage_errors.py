"""Wrong usage in one line: what click found wrong with a command line, in the words of this command."""

from __future__ import annotations

import click

from retrieval.errors import did_you_mean


def explain(error: click.UsageError) -> str:
    """Return what is wrong with a command line, without a full stop at the end."""
    # A missing parameter is a bad one as well to click, so it is asked for first.
    if isinstance(error, click.MissingParameter):
        return f"the following arguments are required: {_name(error)}"
    if isinstance(error, click.BadParameter):
        return f"argument {_name(error)}: {_plain(error.message)}"
    if isinstance(error, click.NoSuchOption):
        return f"unrecognized arguments: {error.option_name}{_nearest(error)}"
    return _plain(error.message)


def _name(error: click.BadParameter) -> str:
    """Return what a parameter is called on the command line."""
    if isinstance(error.param, click.Option):
        return "/".join(error.param.opts)
    return "" if error.param is None else error.param.human_readable_name


def _nearest(error: click.NoSuchOption) -> str:
    if error.ctx is None:
        return ""
    params = error.ctx.command.get_params(error.ctx)
    # All flags of the command, with those that --by brought: click knows only the first kind by now.
    known = [name for one in params for name in (*one.opts, *one.secondary_opts) if name.startswith("--")]
    return did_you_mean(error.option_name, known)


def _plain(message: str) -> str:
    # click writes sentences; ours go on with `(see … --help)`. Names such as HIT keep their capitals.
    text = message.removesuffix(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
