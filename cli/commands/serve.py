"""``semblance serve``: open indexes in a browser."""

from __future__ import annotations

import sys
import webbrowser
from typing import TYPE_CHECKING

from retrieval.errors import NotInstalledError, OptionError

from ..options.argument_types import place, place_or_archive
from ..options.command import command
from ..options.parameters import Arguments, argument, option, quiet
from ..output.progress import ProgressBar
from .warm import warm_up_once

if TYPE_CHECKING:
    from pathlib import Path

    from retrieval.metadata.reference_table import References
    from retrieval.readers.archive import Address
    from viewer.server.desk import Desk

EXAMPLE = """example:
  semblance serve scans.index
  semblance serve shards/shards.toml
  semblance serve scans.index knees.index --references references.csv --open
  semblance serve scans.index --host 0.0.0.0
  semblance serve scans.index --to dicomweb:http://localhost:8042/dicom-web \\
    --viewer-link 'http://localhost:3000/viewer?StudyInstanceUIDs={study}'

The page and its images stay on this machine: only it can reach the server, unless --host says
otherwise. Then a token in the printed address is needed. The connection is not encrypted: put a
server that speaks TLS in front of it, or go through an SSH tunnel.

Searches that are kept stand in scans.index.searches.json beside the index, tags in
scans.index.labels.csv, which `semblance index --labels` takes. Ctrl-C ends the server."""

NO_TLS = (
    "warning: other machines can reach this server, and the connection is not encrypted; put a server that "
    "speaks TLS in front of it, or use an SSH tunnel"
)


@command(EXAMPLE)
@argument(
    "indexes",
    type=place,
    nargs=-1,
    required=True,
    metavar="INDEX",
    help="indexes, folders, or their shards.toml",
)
@option("--port", type=int, default=8417, metavar="N", help="where to listen; 0: any that is free [8417]")
@option("--host", default="127.0.0.1", metavar="ADDRESS", help="for whom to listen [127.0.0.1, this machine]")
@option("--token", is_flag=True, help="ask for a token, on this machine too")
@option(
    "--references",
    type=place,
    metavar="CSV",
    help="what to show about labels: a table (label, kind, title, text, link, picture)",
)
@option(
    "--to",
    type=place_or_archive,
    metavar="ARCHIVE",
    help="where the page may store a search: dicomweb:http://…",
)
@option(
    "--viewer-link",
    metavar="URL",
    help="of the archive's viewer, with {study}, {series} or {image} for their UIDs; opened by a click",
)
@option("--open", is_flag=True, help="open a browser")
@quiet
def run(args: Arguments) -> int:
    """Open the indexes, say where the page is, and answer until Ctrl-C."""
    _check_installed()
    from viewer.server.start import Listening, serve

    archive = _checked_archive(args)
    where = Listening(args.host, args.port, args.token)
    desk = _desk(args, archive)
    # After the indexes are open: who mistyped one need not read about the network.
    if where.is_public:
        print(NO_TLS, file=sys.stderr)
    serve(desk, where, lambda address: _announce(address, args.open))
    return 0


def _checked_archive(args: Arguments) -> Address | None:
    from retrieval.readers.archive import Address
    from viewer.archiving import check_installed, check_viewer_link

    # Both are the operator's: a page that could name an address could send patients there.
    if args.viewer_link is not None:
        check_viewer_link(args.viewer_link)
    if args.to is None:
        return None
    if not isinstance(args.to, Address) or args.to.scheme != "dicomweb":
        raise OptionError(
            f"{args.to} is no archive that takes results; give dicomweb:http://host/dicom-web", "to"
        )
    check_installed("to")
    found: Address = args.to
    return found


def _desk(args: Arguments, archive: Address | None) -> Desk:
    """Open the indexes, and compile the kernels that they need."""
    from viewer.server.desk import Desk

    # Read before the indexes, which take longer: a mistake in the table is said at once.
    references = None if args.references is None else _references(args.references)
    desk = Desk.of(args.indexes, references, archive=archive, viewer_link=args.viewer_link or "")
    # Networks have no kernels, and loading one takes seconds: that is done while the server answers already.
    names = {name for one in desk.collections for name in one.now.in_order if not one.now.is_slow(name)}
    with ProgressBar("steps", args.quiet) as progress:
        warm_up_once(sorted(names), progress)
    # Before the address is printed, so that the first answer comes at once.
    for collection in desk.collections:
        collection.load_quick()
    return desk


def _references(path: Path) -> References:
    from retrieval.metadata.reference_table import References

    return References.read(path)


def _announce(address: str, is_opened: bool) -> None:
    # At once, also into a pipe: whoever started the server waits for this line.
    print(f"{address}  (Ctrl-C ends it)", flush=True)
    # The socket takes the request already; it is answered as soon as the server runs.
    if is_opened:
        webbrowser.open(address)


def _check_installed() -> None:
    # Asked before anything else is loaded, so that the remedy is all that is printed.
    try:
        import starlette
        import strawberry
        import uvicorn
    except ModuleNotFoundError as error:
        name = str(error.name).partition(".")[0]
        raise NotInstalledError(
            "serve", f"needs the package {name}", "pip install 'semblance[viewer]'", name
        ) from error
    assert starlette and strawberry and uvicorn
