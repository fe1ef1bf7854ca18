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
    # A flag that another command takes is seldom a slip of the fingers.
    if others := _commands_with(error.option_name, error.ctx.parent):
        return f"; it is a flag of {', '.join(others)}"
    # Without the dashes, which make any two flags alike.
    near = did_you_mean(error.option_name.lstrip("-"), [name.lstrip("-") for name in known])
    return near.replace("mean ", "mean --") or _setting(error.option_name)


def _setting(flag: str) -> str:
    """Return the end of a message about a flag that is a setting of representations; else nothing."""
    from retrieval.registry import installed

    from .options.representation_flags import setting_options

    names = [name for name in installed() if any(flag in one.opts for one in setting_options([name]))]
    if not names:
        return ""
    return f"; it is a setting of {', '.join(names)}, for `semblance index` with --by {names[0]}"


def _commands_with(flag: str, above: click.Context | None) -> list[str]:
    """Return the names of the commands of a group that take a flag."""
    if above is None or not isinstance(above.command, click.Group):
        return []
    group = above.command
    commands = {name: group.get_command(above, name) for name in group.list_commands(above)}
    return [name for name, one in commands.items() if one and any(flag in param.opts for param in one.params)]


def _plain(message: str) -> str:
    # click writes sentences; ours go on with `(see … --help)`. Names such as HIT keep their capitals.
    text = message.removesuffix(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
