"""The tokens of a condition: numbers, texts, columns, keywords and signs, with their positions."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import SettingError
from ..picture import Value, as_number

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))|(?P<text>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")+")|(?P<word>[^\W\d][\w.\-]*)|(?P<sign><=|>=|!=|<>|==|[=<>(),]))""",
    re.VERBOSE,
)
"""One token, after white space: the first group that matches says what kind it is."""
_KEYWORDS = {"and", "or", "not", "in", "like", "is", "null"}


class Token(NamedTuple):
    """A word of the language: its kind, text, value, and position (from 1)."""

    kind: str
    text: str
    value: Value
    at: int


def tokens(text: str) -> list[Token]:
    """Return the tokens of a condition, and one of kind ``end``. Raise SettingError if one makes no sense."""
    found: list[Token] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            # The pattern begins with white space: the character that fits nothing is behind it.
            at += len(text[at:]) - len(text[at:].lstrip())
            raise SettingError(
                f"where: {text[at]!r} at position {at + 1} of {text!r} makes no sense; write column = 'text' "
                "or column < 3, joined by and, or, not"
            )
        kind = str(match.lastgroup)
        found.append(_token(kind, match[kind], match.start(kind) + 1))
        at = match.end()
    return [*found, Token("end", "", "", end + 1)]


def _token(kind: str, text: str, at: int) -> Token:
    # Keywords are words only outside double quotes, so that a column may be called "in".
    if kind == "number":
        # A whole number stays exact where the tables' numbers do; ``.5`` and ``5.`` are numbers only here.
        number = as_number(text)
        return Token("number", text, float(text) if number is None else number, at)
    if kind == "text":
        return Token("text", text, text[1:-1].replace("''", "'"), at)
    if kind == "quoted":
        return Token("column", text[1:-1].replace('""', '"'), "", at)
    if kind == "word" and text.lower() in _KEYWORDS:
        return Token("keyword", text.lower(), "", at)
    return Token("column" if kind == "word" else kind, text, "", at)
