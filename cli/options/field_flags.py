"""Fields of a dataclass as flags, explained by its docstring: every setting exists once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

from .argument_types import checked
from .parameters import Arguments, Option
from .representation_flags import explanations, reader


def field_options(
    kind: type, section: str, metavars: Mapping[Any, str], added: Mapping[Any, str]
) -> list[Option]:
    """Return an option for each field of a dataclass; it has a value only if it is given.

    Parameters
    ----------
    kind : the dataclass.
    section : heading of the options in the help.
    metavars : what stands for a value in the help, by the type of the field; the choices without one.
    added : what the help adds to the meaning, by the type of the field.
    """
    # Annotations are text in these modules; get_type_hints makes types of them again.
    hints, meanings = get_type_hints(kind), explanations(kind)
    return [
        _option(
            field,
            hints[field.name],
            meanings[field.name].replace("``", "").removesuffix(".") + added.get(hints[field.name], ""),
            metavars,
            section,
        )
        for field in dataclasses.fields(kind)
    ]


def field_values(args: Arguments, kind: type) -> dict[str, Any]:
    """Return the fields of a dataclass that the command line gives, by name."""
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in vars(args).items() if name in names}


def _option(
    field: dataclasses.Field[Any], hint: Any, meaning: str, metavars: Mapping[Any, str], section: str
) -> Option:
    shown = "" if field.default is None else f" [{field.default}]"
    # A Literal is its own list of choices; `Literal | None` is checked by the dataclass itself.
    choices = get_args(hint) if get_origin(hint) is Literal else None
    read = reader(hint, field.default)
    listed = "{" + ",".join(map(str, choices)) + "}" if choices else None
    return Option(
        ["--" + field.name.replace("_", "-"), field.name],
        type=read if choices else checked(read),
        choices=choices,
        only_if_given=True,
        metavar=metavars.get(hint, listed),
        section=section,
        help=meaning + shown,
    )
