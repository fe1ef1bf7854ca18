"""The pattern of ``like``: matched in time that grows with the text times the pattern, whatever they hold."""

from __future__ import annotations

import re


class LikePattern:
    """A text in which ``%`` stands for any run of characters and ``_`` for any one, whatever the case.

    As one regular expression it would backtrack: ``%a%a%a%a%b`` takes n^4 steps in n letters a. The parts
    between the ``%`` are looked for one after the other instead, each at the first place where it is; a later
    place could only leave less for those that follow.
    """

    def __init__(self, text: str) -> None:
        first, *others = text.split("%")
        self._first = _of_one_length(first)
        self._middle = [_of_one_length(part) for part in others[:-1] if part]
        self._last = _of_one_length(others[-1]) if others else None
        self._n_last = len(others[-1]) if others else 0

    def matches(self, text: str) -> bool:
        """Tell whether the whole text is as the pattern says."""
        if self._last is None:
            return self._first.fullmatch(text) is not None
        found = self._first.match(text)
        for part in self._middle:
            found = found and part.search(text, found.end())
        at = len(text) - self._n_last
        return found is not None and at >= found.end() and self._last.fullmatch(text, at) is not None


def _of_one_length(part: str) -> re.Pattern[str]:
    # Each character of the part stands for one of the text: nothing can be tried in two ways.
    return re.compile("".join("." if c == "_" else re.escape(c) for c in part), re.IGNORECASE | re.DOTALL)
