"""Settings as flags."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import click
import pytest

from cli.options import representation_flags
from cli.options.command import Command
from cli.options.parameters import Arguments
from cli.options.representation_flags import (
    asks_for_more,
    explanations,
    given,
    named,
    setting_options,
)
from retrieval.registry import installed


@dataclass(frozen=True)
class Fake:
    """Stand in for a representation.

    Parameters
    ----------
    words : how many words,
        at least 2.
    low, high : the ends, 50 % each.
    smooth : whether to smooth.
    kind : which kind.
    scales : of the grid.
    limit : a bound, or none.

    Raises
    ------
    SettingError : a bad value.
    """

    words: int = 100
    low: float = 0
    high: float = 1.5
    smooth: bool = False
    kind: Literal["a", "b"] = "a"
    scales: tuple[float, ...] = (1.0, 2.0)
    limit: int | None = None
    explained: str = field(default="x", metadata={"help": "in its metadata"})

    @property
    def settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setattr(representation_flags, "make_by", lambda name, values=None: Fake(**(values or {})))
    return Command(lambda args: 0, setting_options(["fake", "other"]), "")


def parsed(made: Command, *words: str) -> Arguments:
    return made.arguments(made.make_context("index", list(words)))


def test_every_setting_is_a_flag_of_its_name_and_type(made: Command) -> None:
    line = "--words 7 --low 2 --smooth --kind b --scales 3,4.5 --limit 9 --explained y"
    assert given(parsed(made, *line.split())) == {
        "words": 7,
        "low": 2.0,
        "smooth": True,
        "kind": "b",
        "scales": [3.0, 4.5],
        "limit": 9,
        "explained": "y",
    }


def test_what_is_not_given_is_not_there(made: Command) -> None:
    assert given(parsed(made)) == {}
    assert given(parsed(made, "--no-smooth", "--limit", "none")) == {"smooth": False, "limit": None}


@pytest.mark.parametrize("line", ["--words 1.5", "--low x", "--kind c", "--scales 1,x", "--limit x"])
def test_a_value_of_another_type_is_refused(made: Command, line: str) -> None:
    with pytest.raises(click.BadParameter):
        parsed(made, *line.split())


def test_help_says_what_the_docstring_says(made: Command) -> None:
    shown = " ".join(made.get_help(click.Context(made)).split())
    assert "how many words, at least 2 [100]" in shown
    assert "the ends, 50 % each [1.5]" in shown
    assert "in its metadata [x]" in shown
    assert explanations(Fake)["limit"] == "a bound, or none."


def test_representations_named_are_found_before_parsing() -> None:
    assert named(["index", "f", "--by", "sift", "-o", "x", "--by=dense", "--words", "5"]) == ["sift", "dense"]
    assert named(["index", "f", "--by"]) == []


def test_settings_are_flags_only_if_a_line_has_flags_that_are_not_known() -> None:
    assert asks_for_more(["i", "a.png", "--words", "5"], ["--by"])
    assert asks_for_more(["--by", "sift", "--help"], ["--by"])
    assert asks_for_more(["-h"], ["--by"])
    assert not asks_for_more(["i", "--by=sift", "-k", "5", "--", "x"], ["--by"])


def test_the_installed_representations_are_those_of_the_entry_points() -> None:
    assert {"sift", "dense", "superpixel", "thumbnail", "colour"} <= set(installed())
