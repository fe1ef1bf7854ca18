"""The IRMA code and the error score of ImageCLEF's medical annotation tasks.

An IRMA code has four axes (technique, direction, body part, biological system), written
``1121-127-700-500``; each character of an axis says more than the one before it. A predicted code may hold
``*``, "don't know", from some position of an axis on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import SettingError
from .scored_query import ScoredQuery
from .tied_orders import mean_over_orders

UNKNOWN = "*"


@dataclass(frozen=True)
class Code:
    """What the codes of a collection look like: how many labels there are at each place of the hierarchy.

    Parameters
    ----------
    codes : all codes there are.

    Raises
    ------
    SettingError : codes differ in the number or lengths of their axes.
    """

    codes: Iterable[str]
    branches: Mapping[tuple[int, str], int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        known: dict[tuple[int, str], set[str]] = defaultdict(set)
        shape: list[int] | None = None
        for code in self.codes:
            axes = code.split("-")
            lengths = [len(axis) for axis in axes]
            if shape is not None and lengths != shape:
                raise SettingError(
                    f"label: {code!r} has axes of {lengths} characters, others of {shape}; "
                    "give IRMA codes such as 1121-127-700-500"
                )
            shape = lengths
            # b_i of the error: which characters follow each beginning of an axis, in the codes there are.
            for number, axis in enumerate(axes):
                for i, character in enumerate(axis):
                    known[number, axis[:i]].add(character)
        object.__setattr__(self, "branches", {key: len(found) for key, found in known.items()})

    def error(self, right: str, predicted: str) -> float:
        """Return the error of a predicted code, from 0 (all right) to 1 (wrong from the first place on).

        On an axis, Σ (1 / b_i) (1 / i) d_i over places i from 1: b_i labels are possible there, given what is
        right before; d_i is 0 up to the first place that differs, and from it on 0.5 if ``*`` is there,
        else 1. Each axis is divided by the worst that it can be, and the axes are averaged
        (Tommasi et al. 2009).
        """
        axes, guesses = right.split("-"), predicted.split("-")
        if [len(axis) for axis in axes] != [len(guess) for guess in guesses]:
            raise SettingError(f"label: {predicted!r} is no prediction for {right!r}; their axes differ")
        errors = [
            self._axis(n, axis, guess) for n, (axis, guess) in enumerate(zip(axes, guesses, strict=True))
        ]
        return sum(errors) / len(errors)

    def _axis(self, number: int, right: str, predicted: str) -> float:
        # Once a place is wrong, all behind it are: the weights of the tail are summed.
        weights = [1 / (self.branches.get((number, right[:i]), 1) * (i + 1)) for i in range(len(right))]
        differ = next((i for i in range(len(right)) if right[i] != predicted[i]), None)
        if differ is None:
            return 0.0
        return sum(weights[differ:]) / sum(weights) * (0.5 if predicted[differ] == UNKNOWN else 1.0)


def predict(neighbours: Sequence[str], least: float = 0.5) -> str:
    """Return the code that the neighbours of a picture agree on, place by place; ``*`` if they do not.

    On each axis the commonest character is taken, of those neighbours that agree with all before it; its
    share is that of all neighbours. Below ``least`` the rest of the axis is "don't know": a wrong character
    costs 1 and ``*`` half of it, so at a half the two cost the same on average.
    """
    if not neighbours:
        raise SettingError("neighbours: none are given; a prediction needs at least one")
    return "-".join(_agreed(axes, least) for axes in zip(*(n.split("-") for n in neighbours), strict=True))


def _agreed(axes: Sequence[str], least: float) -> str:
    agreed = ""
    # Characters mean something only below the same ones before them, so votes narrow down place by place.
    for i in range(len(axes[0])):
        here = Counter(axis[i] for axis in axes if axis.startswith(agreed))
        character, n = here.most_common(1)[0]
        if n / len(axes) < least:
            return agreed + UNKNOWN * (len(axes[0]) - i)
        agreed += character
    return agreed


@dataclass(frozen=True)
class IrmaError:
    """The error score of ImageCLEF 2007 to 2009 as a measure: pictures carry one IRMA code each.

    ``error`` is the score of a query, ``wrong`` is 1 if any axis has an error, ``unknown`` the share of
    ``*``. The published score of a set is the sum of ``error`` over its queries. Codes without axes (the
    label sets of 2005 and 2006) count as one axis of one place: 1 if wrong, 0.5 for ``*``.

    Parameters
    ----------
    codes : of all pictures, database and queries.
    neighbours : number of hits that vote; see ``predict``.
    least : share of the votes below which the answer is "don't know".
    """

    codes: Code
    neighbours: int = 5
    least: float = 0.5
    names: tuple[str, ...] = ("error", "wrong", "unknown")
    main: str = "error"
    is_error: bool = True

    def score(self, answer: ScoredQuery) -> list[float]:
        """Return error, whether it is above 0, and the share of ``*``, expected over orders of tied hits."""
        return mean_over_orders(answer, self.neighbours, lambda first: self._error(answer, first))

    def _error(self, answer: ScoredQuery, first: Sequence[int]) -> list[float]:
        (right,) = answer.labels
        # The nearest first: of equally common characters the one met first wins.
        predicted = predict([answer.judgements.labels[position][0] for position in first], self.least)
        error = self.codes.error(right, predicted)
        characters = predicted.replace("-", "")
        return [error, float(error > 0), characters.count(UNKNOWN) / len(characters)]
