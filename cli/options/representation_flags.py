"""Settings as flags: every keyword of a representation becomes a flag of its name, so that it exists once."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import re
import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from retrieval.registry import installed, make_by

from .argument_types import checked
from .parameters import Arguments, Option

if TYPE_CHECKING:
    from retrieval.representation import Representation

_PREFIX = "setting_"
_METAVARS = {int: "N", float: "X", int | None: "N", float | None: "X"}


def named(words: Sequence[str]) -> list[str]:
    """Return the representations that ``--by`` names on a command line; none if there is none."""
    # By hand and not by click, which would stop at flags that it does not know yet.
    pairs = itertools.pairwise(words)
    apart = [(place, value) for place, (word, value) in enumerate(pairs) if word == "--by"]
    joined = [(place, word[5:]) for place, word in enumerate(words) if word.startswith("--by=")]
    return [name for _, name in sorted(apart + joined)]


def asks_for_more(words: Sequence[str], known: Collection[str]) -> bool:
    """Tell whether a command line has flags beyond those that are known, or asks for help.

    Only then are the flags of representations of use. To make them takes their packages, which is most of
    the time that a small query takes.
    """
    # Values that start with -- are taken for flags too; that costs time, and is never wrong.
    flags = {word.partition("=")[0] for word in words if word.startswith("--")}
    return not flags <= {*known, "--"} or "-h" in words


def setting_options(
    names: Sequence[str], settings: Mapping[str, Mapping[str, Any]] | None = None
) -> list[Option]:
    """Return an option for each setting of the representations named; one that several have is one option.

    ``settings`` of some are shown as their defaults.
    """
    flags: dict[str, _Flag] = {}
    # The first representation explains a setting that several have: --words is one flag for all.
    for name in names:
        for flag in _flags(make_by(name, (settings or {}).get(name, {}))):
            flags.setdefault(flag.name, flag)
    return [flag.option(f"settings of {', '.join(names)}") for flag in flags.values()]


def _flags(representation: Representation) -> Iterator[_Flag]:
    kinds = _kinds(representation)
    explained = {k: v for kind in kinds for k, v in explanations(kind).items()}
    hints = {k: v for kind in kinds for k, v in get_type_hints(kind).items()}
    for setting, default in representation.settings.items():
        yield _Flag(setting, default, hints.get(setting, type(default)), explained.get(setting, ""))


def query_setting_options(words: Sequence[str], known: Collection[str]) -> list[Option]:
    """Return an option for each setting of representations that changes queries alone.

    Of those that ``--by`` names on the command line, or of all; help without ``--by`` loads none, to answer
    at once.
    """
    if not asks_for_more(words, known):
        return []
    names = [name for name in named(words) if name.partition("+")[0] in installed()]
    # A learnt metric, sift+nca, has the query settings of its base.
    names = list(dict.fromkeys(name.partition("+")[0] for name in names))
    # A flag without --by may be of any representation, so all are made; help alone stays quick.
    if not names and not {"-h", "--help"} & set(words):
        names = installed()
    if not names:
        return []
    from retrieval.representation import Adjustable

    flags: dict[str, _Flag] = {}
    for name in names:
        representation = make_by(name)
        if isinstance(representation, Adjustable):
            own = (flag for flag in _flags(representation) if flag.name in representation.query_settings)
            for flag in own:
                flags.setdefault(flag.name, flag)
    section = "settings of this query alone, as the index has them if left out"
    return [dataclasses.replace(flag, default=None).option(section) for flag in flags.values()]


def given(args: Arguments) -> dict[str, Any]:
    """Return the settings that were given on the command line, by name."""
    return {
        name.removeprefix(_PREFIX): value for name, value in vars(args).items() if name.startswith(_PREFIX)
    }


def _kinds(representation: Representation) -> list[type]:
    """Return the classes that declare the settings: of the parts (such as a detector), then its own."""
    # A bag of words has its detector's settings among its own, and the detector's docstring explains them.
    parts = [part for part in vars(representation).values() if dataclasses.is_dataclass(part)]
    return [*(type(part) for part in parts if not isinstance(part, type)), type(representation)]


def explanations(kind: type) -> dict[str, str]:
    """Return what each field of a dataclass means: its metadata ``help``, or its line in the docstring."""
    found: dict[str, str] = {}
    text = inspect.getdoc(kind) or ""
    # numpydoc: a heading underlined with dashes, then `names : meaning` with indented lines below.
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", text, re.DOTALL | re.MULTILINE)
    for entry in re.split(r"\n(?=\S)", section[1]) if section else []:
        names, colon, meaning = entry.partition(" : ")
        if colon:
            found |= {name.strip(): " ".join(meaning.split()) for name in names.split(",")}
    if dataclasses.is_dataclass(kind):
        found |= {f.name: f.metadata["help"] for f in dataclasses.fields(kind) if "help" in f.metadata}
    return found


@dataclasses.dataclass(frozen=True)
class _Flag:
    """One setting as a flag."""

    name: str
    default: Any
    hint: Any
    meaning: str

    def option(self, section: str) -> Option:
        """Return the option ``--name``, or ``--name/--no-name`` of a switch."""
        name = "--" + self.name.replace("_", "-")
        shown = "" if self.default is None else f" [{_shown(self.default)}]"
        common: dict[str, Any] = {
            "section": section,
            "only_if_given": True,
            "help": (self.meaning.replace("``", "").removesuffix(".") + shown).strip(),
        }
        if self.hint is bool or isinstance(self.default, bool):
            return Option([f"{name}/--no-{name[2:]}", _PREFIX + self.name], **common)
        read = reader(self.hint, self.default)
        if get_origin(self.hint) is Literal:
            return Option(
                [name, _PREFIX + self.name], choices=get_args(self.hint), type=read, metavar="…", **common
            )
        metavar = _METAVARS.get(self.hint, "…")
        return Option([name, _PREFIX + self.name], type=checked(read), metavar=metavar, **common)


def reader(hint: Any, default: Any) -> Callable[[str], Any]:
    """Return what reads a value of a type from the command line; several values are joined by commas."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        kinds = [argument for argument in arguments if argument is not type(None)]
        return _either([reader(kind, None) for kind in kinds], optional=type(None) in arguments)
    if origin in (tuple, list):
        return _several(reader(arguments[0], None) if arguments else _number_or_text)
    if origin is Literal:
        return _either([reader(kind, None) for kind in {type(value) for value in arguments}], optional=False)
    if hint in (int, float, str):
        return hint  # type: ignore[no-any-return]
    if isinstance(default, list | tuple):
        return _several(_number_or_text)
    return _number_or_text


def _several(read: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    def values(text: str) -> list[Any]:
        return [read(part.strip()) for part in text.split(",") if part.strip()]

    return values


def _either(readers: Sequence[Callable[[str], Any]], optional: bool) -> Callable[[str], Any]:
    def value(text: str) -> Any:
        # `none` is how the help shows a setting that is left open.
        if optional and text.lower() == "none":
            return None
        # str reads anything, so it is asked last: `4` of `int | str` is a number.
        for read in sorted(readers, key=lambda r: r is str):
            try:
                return read(text)
            except ValueError:
                continue
        raise ValueError(text)

    return value


def _number_or_text(text: str) -> int | float | str:
    number: int | float | str = _either([int, float, str], optional=False)(text)
    return number


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, list | tuple):
        return ",".join(str(value) for value in default)
    return str(default)
