"""``semblance audit``: look for what looks like an identifier, in an index, a page or a folder."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import IndexFolderError, SettingError
from scale.shards.plan import folder_of, lists_shards
from viewer.identifiers import Identifier, identifiers
from viewer.safe_text import printable
from viewer.written_text import file_texts

from ..options.argument_types import place
from ..options.command import command
from ..options.parameters import Arguments, argument, option

if TYPE_CHECKING:
    from retrieval.index import Index

EXAMPLE = """example:
  semblance audit scans.index
  semblance audit answer.html
  semblance audit answers/ --json

It looks for dates, names such as Doe^Jane, Doe_Jane and Doe, Jane, numbers of 6 to 12 digits, e-mail
addresses, UIDs and paths with folders of people; in an index in all of its texts, and for images with
burned-in text (by their headers, or seen when they were indexed) and a key that others can read. The
exit code is 1 if anything was found. What it finds is to be looked at; what it does not find may be
there: no shape tells a first name from a label, and no detector sees every text."""

SHOWN = 20
"""How many findings of a kind are listed."""


@command(EXAMPLE)
@argument("path", type=place, metavar="INDEX|REPORT|FOLDER", help="what to look into")
@option("--json", is_flag=True, help="print all that was found as JSON")
def run(args: Arguments) -> int:
    """Look, print what was found, and say by the exit code if it was anything."""
    if not args.path.exists():
        raise SettingError(f"{args.path}: no such file or folder; name an index, a page or a folder")
    files = sorted(args.path.rglob("*")) if args.path.is_dir() and not _is_index(args.path) else [args.path]
    indexes = _indexes(args.path, files)
    about = (one for folder in indexes for one in _about_index(folder))
    found = [*identifiers(_texts(args.path, files, indexes)), *about]
    if args.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
    else:
        print("\n".join(_lines(args.path, found)))
    return 1 if found else 0


def _indexes(path: Path, files: Sequence[Path]) -> list[Path]:
    """Return the folders of the indexes that a path is, or that are among the files below it."""
    if _is_index(path):
        return [path]
    if lists_shards(path):
        # Any other file with such an ending is looked into as it is.
        with suppress(IndexFolderError):
            return [folder_of(path)]
    from retrieval.index.catalogue.connection import FILE

    return sorted(one.parent for one in files if one.name == FILE)


def _is_index(path: Path) -> bool:
    from retrieval.index.catalogue.connection import FILE  # late: help must not wait for it

    return (path / FILE).is_file()


def _opened(path: Path) -> Index:
    """Open an index, be it the head of shards, which has the texts of all of them."""
    from retrieval.index import Index
    from retrieval.index.storage.store import Store

    return Index(Store.open_head(path, {}))


def _texts(path: Path, files: Sequence[Path], indexes: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield where texts are, and the texts: of indexes, and of files that are in none of these."""
    from retrieval.index.catalogue.texts import catalogue_texts

    for folder in indexes:
        with _opened(folder) as index:
            # All at once: the snapshot is let go before files are read.
            texts = index.ask(lambda snapshot: list(catalogue_texts(snapshot.catalogue)))
        # Of the index that was named its name is not said again.
        inside = "" if folder == path else f"{folder}: "
        yield from ((f"{inside}{where}", text) for where, text in texts)
    for file in files:
        if file.is_file() and not any(file.is_relative_to(folder) for folder in indexes):
            yield from ((f"{file}: {where}", text) for where, text in file_texts(file))


def _about_index(path: Path) -> Iterator[Identifier]:
    """Say what of an index may tell who is in it besides its texts."""
    from retrieval.index.catalogue.privacy import with_text
    from retrieval.index.storage.key_file import key_path

    with _opened(path) as index:
        info = index.info()
        marked = index.ask(lambda snapshot: with_text(snapshot.catalogue))
    for name, mark in marked.items():
        yield Identifier(name, "burned-in text", str(mark))
    if info["key"] == "in the index":
        yield Identifier("meta", "key", "the key is in the index; open it once for writing to move it out")
    # Group and others: who can read the key can try numbers of patients.
    key = key_path(str(info["key"]))
    if key is not None and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield Identifier(str(key), "key", "others can read the key; chmod 600")


def _lines(path: Path, found: list[Identifier]) -> Iterator[str]:
    # By kind: a folder of numbered files must not hide the one date of birth.
    by_kind: dict[str, list[Identifier]] = {}
    for one in found:
        by_kind.setdefault(one.kind, []).append(one)
    for kind, own in by_kind.items():
        yield from (printable(f"{kind}: {one.text}  ({one.where})") for one in own[:SHOWN])
        if len(own) > SHOWN:
            yield f"{kind}: and {len(own) - SHOWN:,} more; --json lists all"
    n = f"{len(found):,} that look like an identifier" if found else "nothing that looks like an identifier"
    yield f"{printable(str(path))}: {n}"
