"""The plan of a split: ``shards.toml``, which says where the head and each shard are."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrieval.errors import IndexFolderError, lack

PLAN = "shards.toml"


@dataclass(frozen=True)
class Shard:
    """One shard.

    Parameters
    ----------
    number, images, commit : from 0; how many images it holds; the commit that its head knows.
    at : where it is, several are copies: folders, seen from that of the plan, or addresses, http://host:port.
    """

    number: int
    images: int
    commit: int
    at: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The shards of one split.

    Parameters
    ----------
    path : of the file.
    split : what tells this split from any other.
    head : the folder of the head.
    shards : by number.
    timeout, hedge : seconds until a shard is away, and until its next copy is asked as well.
    token : what the servers want to be shown; empty for none.
    """

    path: Path
    split: str
    head: Path
    shards: tuple[Shard, ...]
    timeout: float = 10.0
    hedge: float = 0.5
    token: str = ""


_TEXT = """\
# The shards of {name}: semblance query {plan} IMAGE
# `at` lists where a shard is: a folder, seen from here, or the address of `semblance serve`, such as
# "http://node3:8417"; several are copies of one shard. Servers with a token: put it into `token`, and keep
# this file to yourself (chmod 600), or set SEMBLANCE_TOKEN.
split = "{split}"
head = "{head}"
token = ""
timeout = {timeout}  # seconds until a shard counts as away
hedge = {hedge}  # seconds until the next copy of a shard is asked as well
"""
_SHARD = """
[[shard]]
images = {images}
commit = {commit}
at = ["{at}"]
"""


def write_plan(plan: Plan, name: str) -> None:
    """Write a plan as it is after the split: every shard in a folder beside it."""
    about = {"split": plan.split, "head": plan.head.name, "timeout": plan.timeout, "hedge": plan.hedge}
    # A name of a folder may hold what ends a comment.
    text = _TEXT.format(name=" ".join(name.split()), plan=plan.path.name, **about)
    for shard in plan.shards:
        text += _SHARD.format(images=shard.images, commit=shard.commit, at=shard.at[0])
    plan.path.write_text(text, "utf-8")


def read_plan(path: Path) -> Plan:
    """Read a plan. Raise IndexFolderError, which says what is wrong, if it is none."""
    # Written by hand as soon as there are servers: every mistake is named.
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise lack(error, path) from error
    except ValueError as error:
        raise IndexFolderError(
            f"{path}: is no list of shards ({error}); `semblance shard` writes one"
        ) from error
    shards = found.get("shard")
    if not isinstance(shards, list) or not shards:
        raise _wrong(path, "shard", "list each shard under [[shard]]")
    return Plan(
        path,
        _value(path, found, "split", str),
        path.parent / _value(path, found, "head", str),
        tuple(_shard(path, number, shard) for number, shard in enumerate(shards)),
        _seconds(path, found, "timeout", 10.0),
        _seconds(path, found, "hedge", 0.5),
        # The variable that servers of shards take theirs from.
        _value(path, {"token": "", **found}, "token", str) or os.environ.get("SEMBLANCE_TOKEN", ""),
    )


def lists_shards(path: Path) -> bool:
    """Whether a path is that of a list of shards, a ``.toml`` file, and not that of a folder."""
    return path.suffix == ".toml" and not path.is_dir()


def folder_of(place: Path) -> Path:
    """Return the folder that holds the catalogue of an index: itself, or the head of a ``shards.toml``."""
    return read_plan(place).head if lists_shards(place) else place


def _shard(path: Path, number: int, found: Any) -> Shard:
    if not isinstance(found, dict):
        raise _wrong(path, f"shard {number}", "write images, commit and at below [[shard]]")
    images, commit = (_value(path, found, name, int) for name in ("images", "commit"))
    at = found.get("at")
    if not isinstance(at, list) or not at or not all(isinstance(place, str) and place for place in at):
        raise _wrong(path, f"at of shard {number}", 'give folders or addresses, ["shard-0"]')
    return Shard(number, images, commit, tuple(at))


def _seconds(path: Path, found: Mapping[str, Any], name: str, usual: float) -> float:
    value = found.get(name, usual)
    # TOML's true is a number in Python.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 86_400:
        raise _wrong(path, name, "give seconds above 0")
    return float(value)


def _value(path: Path, found: Mapping[str, Any], name: str, kind: type) -> Any:
    if not isinstance(found.get(name), kind):
        raise _wrong(path, name, f"`semblance shard` writes it, {'a number' if kind is int else 'a text'}")
    return found[name]


def _wrong(path: Path, name: str, remedy: str) -> IndexFolderError:
    return IndexFolderError(f"{path}: {name} is missing or wrong; {remedy}")
