"""``semblance receive``: take images that other applications send by C-STORE, and index them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retrieval.errors import NotInstalledError, SemblanceError, SettingError, lack
from retrieval.registry import DEFAULT

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.index_flags import by_kind, window_kept
from ..options.limit_flags import limit_options
from ..options.parameters import Arguments, option, quiet
from ..options.representation_flags import given
from ..output.index_report import notes, sentence
from ..output.progress import ProgressBar
from .index import index_setting_options
from .warm import warm_up_once

if TYPE_CHECKING:
    from pacs.spool import Spool
    from retrieval.index.order import IndexState, Order

EXAMPLE = """example:
  semblance receive -o scans.index
  semblance receive -o scans.index --host 0.0.0.0 --aet SEMBLANCE --peer CT1 --peer PACS --stable 30

An image is acknowledged when it is on the disk for good, and each is kept once. The spool keeps the
files, with all that they say of patients; whoever deletes a study there takes it out of the index.
A receiver that was killed goes on where it was. Ctrl-C ends it.

The connection is not encrypted and titles are no secret: close the network by other means."""

_LOOK_EVERY = 0.5
"""Seconds between two looks for stable series."""
_AGAIN_AFTER = 10.0
"""Seconds after which an index that could not be written is tried again."""
_OPEN = (
    "warning: other machines can store here, as whoever they say they are; name those that may by --peer, "
    "and close the network to all others"
)


def seconds(text: str) -> float:
    """Read seconds: a finite number of at least 0."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise click.BadParameter(f"{text!r} is no time; give seconds, at least 0")
    return number


@command(EXAMPLE, more=index_setting_options)
@option("-o", "--output", required=True, type=place, metavar="INDEX", help="the index, a folder")
@option("--port", type=int, default=11112, metavar="N", help="where to listen; 0: any that is free [11112]")
@option("--host", default="127.0.0.1", metavar="ADDRESS", help="for whom to listen [127.0.0.1, this machine]")
@option("--aet", metavar="TITLE", help="our application entity title [SEMBLANCE_AET, or SEMBLANCE]")
@option(
    "--peer", multiple=True, metavar="TITLE", help="who may store; repeatable [everybody who can reach it]"
)
@option("--spool", type=place, metavar="FOLDER", help="where the files are kept [INDEX.spool]")
@option(
    "--stable",
    type=seconds,
    default="60",
    metavar="S",
    help="index a series when nothing came for so long [60]",
)
@by_kind
@window_kept
@option("--jobs", type=positive, metavar="N", help="processes [one a core]")
@quiet
@limit_options
def run(args: Arguments) -> int:
    """Listen, index stable series, and print the results, until Ctrl-C."""
    _check_installed()
    from pacs.own_title import own_title
    from pacs.receiver import Listening, Receiver, into
    from pacs.spool import Spool
    from retrieval.index.order import Order, check_settings
    from retrieval.readers.archive import Address

    # In this order: what is mistyped is said before anything is made or listened to.
    where = Listening(args.port, args.host, args.aet or own_title(), args.peer)
    folder = _spool_folder(args)
    archive = Address("received", str(folder))
    order = Order(
        args.output,
        (),
        args.by,
        given(args),
        args.window,
        jobs=args.jobs,
        default=DEFAULT,
        archives=[archive],
    )
    check_settings(order)  # not an hour later, when the first series is stable
    with ProgressBar("steps", args.quiet) as progress:
        warm_up_once(args.by or list(DEFAULT), progress)
    # Kernels first: an image that came meanwhile would wait for its acknowledgement.
    spool = Spool(folder)
    receiver = Receiver(where, into(spool))
    if not (where.is_local or where.peers):
        print(_OPEN, file=sys.stderr)
    # At once, also into a pipe: whoever started the receiver waits for this line.
    print(f"{where.title}@{where.host}:{receiver.port}  (Ctrl-C ends it)", flush=True)
    try:
        for took, outcome in _indexed(order, spool, args.stable):
            _tell(took, outcome)
    finally:
        receiver.close()
        spool.close()
    return 0


def _indexed(
    order: Order, spool: Spool, stable: float
) -> Iterator[tuple[float, IndexState | SemblanceError]]:
    """Index what is stable, again and again; yield the seconds and the result of each time."""
    from retrieval.index.order import bring_up_to_date

    # An earlier run may have been killed before it indexed what it showed.
    is_due = spool.has_stable
    while True:
        started, rest = time.monotonic(), _LOOK_EVERY
        outcome: IndexState | SemblanceError | None = None
        try:
            is_due = spool.settle(stable) > 0 or is_due
            if is_due:
                outcome, is_due = bring_up_to_date(order), False
        except SettingError:
            raise
        # Such as another process that writes to it, or a full disk: images are received all the same.
        except (SemblanceError, OSError) as error:
            # Without the path, which names a study.
            outcome = lack(error) if isinstance(error, OSError) else error
            is_due, rest = True, _AGAIN_AFTER
        if outcome is not None:
            yield time.monotonic() - started, outcome
        time.sleep(rest)


def _tell(took: float, outcome: IndexState | SemblanceError) -> None:
    if isinstance(outcome, SemblanceError):
        print(f"semblance: {outcome}; tried again soon", file=sys.stderr, flush=True)
        return
    for line in notes(outcome.report, took):
        print(line, file=sys.stderr, flush=True)
    print(sentence(outcome), flush=True)


def _spool_folder(args: Arguments) -> Path:
    folder: Path = (args.spool or args.output.with_name(f"{args.output.name}.spool")).resolve()
    # The index keeps it as the address of an archive, in which filters follow a question mark.
    if "?" in str(folder):
        raise SettingError(f"{folder}: the path of a spool can have no question mark; give another --spool")
    return folder


def _check_installed() -> None:
    from importlib.util import find_spec

    if find_spec("pynetdicom") is None:
        raise NotInstalledError(
            "receive", "needs the package pynetdicom", "pip install 'semblance[pacs]'", "pacs"
        )
