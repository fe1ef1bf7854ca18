"""Negation: which terms a text affirms, in English and German.

After NegEx (Chapman et al., Journal of Biomedical Informatics 2001): a clause is searched for words that deny
what follows, or what went before. Texts of radiology are short and plain; what is asked of them here is
counted over many patients, where a few misread sentences cost little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .terms import Term

_SENTENCE = re.compile(r"(?<=[a-zäöüß\d)%])[.!?](?=\s|$)|[;\n\r•]", re.IGNORECASE)
_CLAUSE = re.compile(
    r"\b(?:but|however|although|though|except|aside from|apart from|which|"
    r"aber|jedoch|sondern|außer|allerdings|hingegen|welche[rs]?)\b",
    re.IGNORECASE,
)
_PSEUDO = re.compile(
    r"\b(?:no|without|not|kein\w*|ohne|nicht)\s+(?:\w+\s+)?(?:change|increase|decrease|interval|only|änderung|"
    r"zunahme|abnahme|befundänderung|nur|auszuschließen|ausgeschlossen|excluded)\w*|"
    # What is not displaced, or not of small cells, is there.
    r"\b(?:not|nicht)[\s-]+(?:displaced|disloziert\w*|verschoben\w*|kleinzellig\w*|ruptur\w*)|"
    r"\b(?:cannot|can not|can['’]t|could not|couldn['’]t|kann nicht|konnte nicht)\s+"
    r"(?:\w+\s+){0,2}?(?:exclude|rule|ausgeschlossen|ausschließen)\w*",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b(?:no|not|cannot|\w+n['’]t|nil|without|never|nor|neither|denie[sd]|denying|negative for|"
    r"absence of|absent|free of|rules? out|ruled out|lack of|lacks|"
    r"kein(?:e[mnrs]?|erlei)?|nicht|ohne|weder|noch|frei von|fehlen\w*|ausschluss(?: von)?)\b",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"^[^,]{0,40}?(?:\b(?:(?:is|are|was|were|has been|have been)\s+(?:not|absent|excluded|ruled out|negative)"
    r"|not (?:seen|present|identified|demonstrated|visible|shown)|ruled out|unlikely"
    r"|nicht(?! auszuschließen| ausgeschlossen)|ausgeschlossen|verneint)\b"
    r"|:\s*(?:no|none|nein|kein\w*|negativ\w*)\b)",
    re.IGNORECASE,
)
_LIST = re.compile(r"\b(?:or|nor|oder|noch|sowie)\b", re.IGNORECASE)
_MOST_WORDS = 8
"""Words that a denial reaches over; a comma ends it, unless a list goes on to an "or"."""


def affirmed(text: str, terms: Sequence[Term]) -> tuple[str, ...]:
    """Return the names of the terms that a text affirms somewhere, in the order of the terms."""
    # Clause by clause: a denial reaches over none of the next.
    clauses = list(_clauses(text))
    return tuple(term.name for term in terms if any(_is_affirmed(clause, term) for clause in clauses))


def _clauses(text: str) -> Iterator[str]:
    for sentence in _SENTENCE.split(text):
        yield from _CLAUSE.split(sentence)


def _is_affirmed(clause: str, term: Term) -> bool:
    found = list(term.found.finditer(clause))
    if not found:
        return False
    # "No change" says that there is something; its "no" denies nothing.
    plain = _PSEUDO.sub(lambda match: "·" * len(match[0]), clause)
    return any(not _is_denied(plain, one.start(), one.end()) for one in found)


def _is_denied(clause: str, start: int, end: int) -> bool:
    before = clause[:start]
    denials = list(_BEFORE.finditer(before))
    if denials:
        between = before[denials[-1].end() :]
        # "No effusion, mass in the left lobe" denies one thing; "no effusion, mass or fracture" three.
        is_list = "," not in between or bool(_LIST.search(clause[start - 1 :])) or bool(_LIST.search(between))
        if is_list and len(between.split()) <= _MOST_WORDS * (2 if "," in between else 1):
            return True
    # German denies behind the noun as often as before it.
    return bool(_AFTER.search(clause[end:]))
