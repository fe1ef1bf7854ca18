"""``semblance completion``: print the script that lets a shell complete commands, flags, and names."""

from __future__ import annotations

from ..options.command import command
from ..options.parameters import Arguments, argument

SHELLS = ("bash", "zsh", "fish")

EXAMPLE = """example:
  semblance completion bash > ~/.semblance-completion; echo '. ~/.semblance-completion' >> ~/.bashrc
  semblance completion zsh > ~/.semblance-completion; echo '. ~/.semblance-completion' >> ~/.zshrc
  semblance completion fish > ~/.config/fish/completions/semblance.fish

After that the tab key completes commands, flags, representations, columns of an index, and ids."""


@command(EXAMPLE)
@argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")
def run(args: Arguments) -> int:
    """Print the script of a shell."""
    from click.shell_completion import get_completion_class

    from ..group import COMPLETE, GROUP, PROGRAM

    # click knows all three shells; the name was checked as a choice.
    kind = get_completion_class(args.shell)
    assert kind is not None
    print(kind(GROUP, {}, PROGRAM, COMPLETE).source())
    return 0
