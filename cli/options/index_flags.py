"""The flags of every command that makes an index: which representations it gets, and through which window."""

from __future__ import annotations

from retrieval.registry import installed

from .parameters import option

by_kind = option(
    "--by",
    multiple=True,
    choices=installed(),
    metavar="NAME",
    help=f"representation: {', '.join(installed())}; repeatable",
)
window_kept = option(
    "--window", metavar="W", help="lung, brain, bone, …, or centre,width; kept by the index [auto]"
)
