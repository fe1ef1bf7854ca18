"""What a scan looks at, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..catalogue.number_set import NumberSet
from .packed_files import PackedFiles


@dataclass(frozen=True)
class ScanOptions:
    """How folders are scanned.

    Parameters
    ----------
    compare_contents : compare the contents of all files with what was indexed, whatever the file system says.
    forget : take out what is gone, even if it is a large share of a folder.
    follow_links : read files and folders outside of a folder to which links in it lead.
    cache : a folder that keeps the files of archives; None deletes them when they are read.
    """

    compare_contents: bool = False
    forget: bool = False
    follow_links: bool = False
    cache: Path | None = None


@dataclass
class Scope:
    """A folder that was scanned, and what was found.

    Parameters
    ----------
    root : the indexed folder that it is, or is in.
    prefix : leads from the root to the scanned folder: ``sub/``, or empty.
    is_whole : False if a single file was given, which says nothing about the others.
    files : all files found; none any more once they are recorded.
    unreadable : (name, reason) of files and folders that could not be looked at.
    number : of the root in the catalogue, once it is recorded.
    called : what messages call the folder.
    """

    root: Path
    prefix: str
    is_whole: bool
    files: PackedFiles
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    number: int = 0
    called: str = ""


@dataclass
class Changes:
    """Result of a scan.

    Parameters
    ----------
    new, changed : the numbers of sources.
    n_gone, n_unchanged, n_ignored : numbers of files.
    skipped : (name, reason) of files that are not in the index.
    withdrawn : the names among the skipped that the user removed.
    notes : what the user should know of folders, in sentences.
    unlabelled : the names of files that lost their labels, for they hold something else, or are gone.
    unhashed : the number and path of unchanged files whose contents the index does not know yet.
    """

    new: NumberSet = field(default_factory=NumberSet)
    changed: NumberSet = field(default_factory=NumberSet)
    n_gone: int = 0
    n_unchanged: int = 0
    n_ignored: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    unhashed: list[tuple[int, Path]] = field(default_factory=list)
