"""The filter: a small language of conditions on metadata that says which pictures may be found.

    modality = 'CT' and slice_thickness <= 2.5
    label in ('lung', 'heart') or not (body_part like 'CH%')
    patient is not null and "view position" != 'PA'

Names of columns are plain words, or in double quotes; texts are in single quotes ('' within one is a quote).
``like`` takes ``%`` for any run of characters and ``_`` for any one, whatever the case. A column may hold
several values (labels): a comparison holds if it holds for one of them, ``!=`` if ``=`` does not. No
comparison holds if there is no value; ``is null`` does. A number in the condition is compared with numbers,
and with texts that read as numbers (``age > 60`` in a column of a label table); a text in single quotes is
equal to texts as they are written: ``patient = '1.10'`` is not patient 1.1. Numbers of a header are compared
with it if it reads as one: ``slice_thickness <= '2.5'``; and of two texts that read as numbers the larger
number is more: ``age > '60'``. What no value of a column can be compared with is an error. Letters with
accents are the same however they are composed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import SettingError
from ..picture import Value, as_number
from .condition_tree import (
    AllHold,
    AnyHolds,
    ColumnTest,
    HoldsNot,
    Mask,
    Node,
    Table,
    Values,
    is_equal,
    plain,
)
from .filter_tokens import Token, tokens
from .like_pattern import LikePattern

Test = Callable[[Values], bool]

_SIGNS = {"=": "=", "==": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_DEEPEST = 100
"""Levels of brackets: deeper ones would exhaust Python's stack before they say anything."""


@dataclass(frozen=True)
class Condition:
    """A condition that was read; ``columns`` are those that it names, ``tree`` what it asks of them."""

    text: str
    columns: tuple[str, ...]
    tree: Node

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition. Raise SettingError, with the position, if it makes no sense."""
        parser = _Parser(text)
        return cls(text, tuple(dict.fromkeys(parser.columns)), parser.result)

    def holds(self, table: Table) -> Mask:
        """Return for each of n rows whether the condition holds, bool (n,).

        Raise SettingError if nothing in a column can be compared with what is asked: numbers with a text,
        texts with a number. ``table`` has n cells for each named column, with the values there: none, one,
        or several.
        """
        return self.tree.holds(table)

    def unknown_values(self, table: Table) -> list[tuple[str, Value]]:
        """Return the columns and values that it asks for and no row has."""
        return [(test.column, value) for test in _tests(self.tree) for value in test.unknown(table)]


def _tests(node: Node) -> Iterator[ColumnTest]:
    if isinstance(node, ColumnTest):
        yield node
        return
    for part in (node.part,) if isinstance(node, HoldsNot) else node.parts:
        yield from _tests(part)


class _Parser:
    """Read ``or`` of ``and`` of ``not`` of comparisons, by recursive descent.

    Each method reads one level of precedence, the loosest first, and returns a part of the tree.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._next = 0
        self._depth = 0
        self.columns: list[str] = []
        self.result = self._either()
        if self._peek().kind != "end":
            raise self._refusal("'and', 'or' or the end")

    def _either(self) -> Node:
        self._depth += 1  # or, and, not: only brackets nest, and they come back to this level
        if self._depth > _DEEPEST:
            raise SettingError(
                f"where: nested deeper than {_DEEPEST} at position {self._peek().at}; simplify it"
            )
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        self._depth -= 1
        return AnyHolds(tuple(parts))

    def _both(self) -> Node:
        parts = [self._negation()]
        while self._take("and"):
            parts.append(self._negation())
        return AllHold(tuple(parts))

    def _negation(self) -> Node:
        is_negative = False
        # A loop instead of recursion: any number of ``not`` in a row costs no stack.
        while self._take("not"):
            is_negative = not is_negative
        inner = self._single()
        return HoldsNot(inner) if is_negative else inner

    def _single(self) -> Node:
        if self._take("("):
            inner = self._either()
            self._expect(")")
            return inner
        token = self._peek()
        if token.kind != "column":
            raise self._refusal("a column, 'not' or '('")
        self._next += 1
        name = token.text
        self.columns.append(name)
        return ColumnTest(name, *self._test())

    def _test(self) -> tuple[Test, str, tuple[Value, ...]]:
        """Read what is asked of the values of one cell: a test, its sign, and what they are compared with."""
        token = self._peek()
        if token.text in _SIGNS and token.kind == "sign":
            self._next += 1
            sign, literal = _SIGNS[token.text], self._literal()
            return _comparison(sign, literal), sign, (literal,)
        if self._take("is"):
            is_negative = self._take("not")
            self._expect("null")
            return lambda values: bool(values) is is_negative, "", ()
        is_negative = self._take("not")
        test, sign, literals = self._membership()
        if not is_negative:
            return test, sign, literals
        # ``not in`` and ``not like`` are comparisons: without a value they do not hold either.
        return lambda values: bool(values) and not test(values), "not in" if sign else "", literals

    def _membership(self) -> tuple[Test, str, tuple[Value, ...]]:
        if self._take("in"):
            self._expect("(")
            options = [self._literal()]
            while self._take(","):
                options.append(self._literal())
            self._expect(")")
            return lambda values: any(is_equal(v, o) for v in values for o in options), "in", tuple(options)
        if not self._take("like"):
            raise self._refusal("a comparison (=, !=, <, <=, >, >=, in, like, is)")
        pattern = LikePattern(plain(self._literal()))
        return lambda values: any(pattern.matches(plain(v)) for v in values), "", ()

    def _literal(self) -> Value:
        token = self._peek()
        if token.kind not in ("number", "text"):
            raise self._refusal("a number or a text in single quotes")
        self._next += 1
        return token.value

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self, text: str) -> bool:
        token = self._peek()
        if token.kind not in ("keyword", "sign") or token.text != text:
            return False
        self._next += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._refusal(repr(text))

    def _refusal(self, wanted: str) -> SettingError:
        token = self._peek()
        found = "the end" if token.kind == "end" else repr(token.text)
        return SettingError(f"where: {found} at position {token.at} of {self._text!r}; expected {wanted}")


def _comparison(sign: str, literal: Value) -> Test:
    if sign == "=":
        return lambda values: any(is_equal(v, literal) for v in values)
    if sign == "!=":
        return lambda values: bool(values) and not any(is_equal(v, literal) for v in values)
    compare = _ORDERS[sign]
    if not isinstance(literal, str):
        return lambda values: any((n := as_number(v)) is not None and compare(n, literal) for v in values)
    # Of numbers '100' is more than '60': only what reads as none is compared letter by letter.
    number, text = as_number(literal), plain(literal)

    def holds(value: Value) -> bool:
        own = None if number is None else as_number(value)
        if own is not None:
            return compare(own, number)
        return isinstance(value, str) and compare(plain(value), text)

    return lambda values: any(map(holds, values))
