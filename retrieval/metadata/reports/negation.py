"""Negation: which terms a text affirms, in English and German.

After NegEx (Chapman et al., Journal of Biomedical Informatics 2001) and ConText (Harkema et al., ibid.
2009): a clause is searched for words that deny what follows or what went before, and for words that only
seem to. Texts of radiology are short and plain; what is asked of them here is counted over many patients,
where a few misread sentences cost little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .terms import Term


def _words(*patterns: str) -> re.Pattern[str]:
    """Compile a pattern of any of these as whole words; a space stands for any white space."""
    joined = "|".join(patterns).replace(" ", r"\s+")
    return re.compile(rf"(?<!\w)(?:{joined})(?!\w)", re.IGNORECASE)


# A full stop ends no sentence after one letter ("V.a.", "e.g.") or an abbreviation.
_SENTENCE = re.compile(
    r"(?<=[a-zäöüß\d)%])(?<!\b[a-zäöü])(?<!\b(?:ca|vs|dr))(?<!\b(?:ggf|bzw|sog|neg))(?<!\b(?:evtl|inkl|insb))"
    r"[.!?](?=\s|$)|[;\n\r•]",
    re.IGNORECASE,
)
_CLAUSE = _words(
    "but|however|(?:al)?though|while|whereas|except|(?:aside|apart) from|other than|which|"
    "and there (?:is|are)",
    "aber|jedoch|sondern|außer|allerdings|hingegen|dagegen|während|bis auf|abgesehen von|welche[rs]?",
)

_SEEN = (
    r"(?:seen|present|identified|demonstrated|visible|visuali[sz]ed|shown|evident|appreciated|detected|found|"
    r"noted|observed|apparent|suspected|confirmed|likely|"
    r"abgrenzbar\w*|abzugrenzen|erkennbar\w*|erkennen|sichtbar\w*|sehen|gesehen|nach(?:zu)?weis\w*|"
    r"nachgewiesen\w*|gefunden|finden|darstellbar\w*|dargestellt|feststell\w*|festgestellt|vorhanden\w*|"
    r"vorliegend\w*|vor|bestätigt\w*|wahrscheinlich)"
)
"""What is not so is not there; what is not larger, or not calcified, is."""
_IS = (
    r"(?:is|are|was|were|has|have|had|can|could|did|does|ist|sind|war|waren|wird|werden|wurden?|kann|können|"
    r"konnten?|lässt|lassen|zeigt|zeigen|findet|stellt|liegt|liegen|besteht|bestehen)"
)
_OF = (
    r"(?:(?:(?:evidence|signs?) of|nachweis|hinweise? auf|anhalt für) )?(?:an? |eine[rs]? )?"
    r"(?:\w+ )?(?:interval )?"
)
_ONLY_SEEMS = _words(
    # Who finds no change, or no growth of a thing, finds the thing.
    rf"(?:no|without|not|kein\w*|ohne|nicht) {_OF}(?:change|increase|decrease|"
    r"(?:befund|ver)?änderung|(?:größen)?zunahme|abnahme)\w*",
    rf"(?:no|without|kein\w*|ohne) {_OF}(?:enlargement|growth|progression|worsening|improvement|"
    r"regression|resolution|extension|displacement|progredienz|progress|rückbildung|vergrößerung|"
    r"verschlechterung|besserung|dislokation) (?:of|in|de[rs]|von|eine[rs])",
    r"(?:partial|incomplete|teilweise|unvollständige) (?:resolution|rückbildung) (?:of|de[rs]|von)",
    r"(?:not|nicht) (?:\w+ )?(?:only|nur|auszuschließen|ausgeschlossen|excluded)",
    r"(?:cannot|can not|can['’]t|could not|couldn['’]t|(?:unable|difficult) to|kann nicht|konnte nicht) "
    r"(?:\w+ ){0,2}?"
    r"(?:exclude|rule|ausgeschlossen|ausschließen)\w*",
    # How the image was made denies nothing that it shows.
    r"(?:no|without|w/o|ohne) (?:iv |i\.v\. |intravenous |oral )?(?:contrast(?! (?:enhanc|uptake))|"
    r"kontrast(?:mittel(?:gabe)?)?|km(?:-gabe)?)",
    r"(?:previously|bisher|zuvor|vorher) (?:not|nicht) \w+|not \w+ (?:before|previously)",
)
_BEFORE = _words(
    r"no|nothing|not|cannot|\w+n['’]t|nil|without|w/o|never|nor|neither|denie[sd]|denying|"
    r"neg(?:ative)?\.? for|absence of|absent|free of|clear of|(?:rules?|ruled) out|r/o|excludes?|"
    r"lack of|lacks|unlikely|fail(?:s|ed) to|(?:evaluate|evaluation|assess|assessment) for|"
    r"(?:resolution|disappearance) of|"
    r"kein(?:e[mnrs]?|erlei)?|nicht|ohne|weder|frei von|fehlen\w*|ausschluss(?: von)?"
)
_ADJECTIVE = {
    "not": re.compile(rf"\s+(?!{_SEEN}\b)\w+ed\s+", re.IGNORECASE),
    "nicht": re.compile(rf"\s+(?!{_SEEN}\b|(?:ein|die|der|den|dem|des)\w*)\w+e[mnrs]?\s+", re.IGNORECASE),
}
"""What stands between: "not calcified nodule" denies what the nodule is, not that it is."""
_PART = re.compile(
    r"\s(?!(?:evidence|signs?|trace|nachweis|hinweis|anhalt|ausschluss)\b)\w+\s+"
    r"(?:of\s+(?:the|this|these)|der|des|dieser|dieses)\s+(?:\w+\s+)?",
    re.IGNORECASE,
)
"""What stands between: "no enhancement of the cyst" denies something of the cyst."""
_AFTER = re.compile(
    rf"(?:(?!\b{_IS}\b)[^,:]){{0,40}}?(?:\b{_IS}\s+(?:\w+\s+){{0,3}}?|\b|(?<=\s))(?:"
    rf"(?:not|cannot|never|nicht|nie|no\s+longer|(?<=n['’])t)(?:\s+(?!only\b)[^\s,]+){{0,2}}?\s+{_SEEN}\b|"
    r"(?:not|nicht)\s*$|(?<=\s)negative\b|"
    r"(?:absent|excluded|ruled\s+out|(?:un|less\s+)likely|unwahrscheinlich|ausgeschlossen|verneint|fehl(?:t|en))\b|"
    r"(?<!partially\s)(?<!partly\s)(?:resolved|disappeared|verschwunden)\b|"
    r"(?:vollständig|komplett)\s+(?:zurückgebildet|resorbiert|regredient|aufgelöst)\b)"
    r"|[^,:]{0,40}?:\s*(?:no|none|nil|absent|nein|nicht|kein\w*|negativ\w*)\b",
    re.IGNORECASE,
)
_LIST = _words("or|nor|oder|noch|sowie")
_IS_SAID = re.compile(rf"\b(?:{_IS}|{_SEEN})\b[^,]*,", re.IGNORECASE)
_MOST_WORDS = 8
"""Words that a denial reaches over; a comma ends it, unless a list goes on to an "or"."""
_FARTHEST = 500
"""Characters that are looked at on either side of a term."""


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
    plain = _ONLY_SEEMS.sub(lambda match: "·" * len(match[0]), clause)
    return any(not _is_denied(plain, one.start(), one.end()) for one in found)


def _is_denied(clause: str, start: int, end: int) -> bool:
    # A text without full stops may be as long as a book.
    before, rest = clause[max(start - _FARTHEST, 0) : start], clause[start : start + _FARTHEST]
    if re.search(r"\b(?:non|nicht)-$", before, re.IGNORECASE):
        return True
    denials = list(_BEFORE.finditer(before))
    if denials and _reaches(denials[-1][0], before[denials[-1].end() :], rest):
        return True
    # German denies behind the noun as often as before it.
    return bool(_AFTER.match(clause[end : end + _FARTHEST]))


def _reaches(denial: str, between: str, rest: str) -> bool:
    """Return whether a denial reaches over the words between to a term, with which the rest begins."""
    adjective = _ADJECTIVE.get(denial.lower())
    if _PART.fullmatch(between) or (adjective and adjective.fullmatch(between)):
        return False
    if "," not in between:
        return len(between.split()) <= _MOST_WORDS
    # "No effusion, mass in the left lobe" denies one thing; "no effusion, mass or fracture" three.
    is_list = bool(_LIST.search(between) or _LIST.search(rest)) and not _IS_SAID.search(between)
    return is_list and len(between.split()) <= 2 * _MOST_WORDS
