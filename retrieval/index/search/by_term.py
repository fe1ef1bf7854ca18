"""Questions in terms: which images look like those that have a term, and where in one it comes from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import SettingError
from ...evidence.heat_map import Heat
from ...evidence.occlusion import occlusion
from ...metric_learning.semantics import SemanticProfile
from ...picture import Picture
from ...rankers.dense import ExactRanker
from ...representation import Encoding
from ..storage.snapshot import Snapshot
from .encode_query import EncodedQuery
from .hits import Hit
from .query import search
from .query_options import QueryImage, QueryOptions

_TAKEN = ("by", "k", "among", "where", "group_by", "collapse")


def rank_by_term(snapshot: Snapshot, term: str, options: QueryOptions) -> list[Hit]:
    """Return the images that look most like those whose reports affirm a term; scores are log-odds.

    ``by`` names the profile, if there are several; conditions and cases are as in any query.

    Raises
    ------
    SettingError : no profile, or several; no such term; options that ask for an image.
    """
    options.refuse_others(*_TAKEN, because="a term asks, and no image")
    name = profile_of(snapshot, options)
    profile = _profile(snapshot, name)
    # The inner product with it is the log-odds of the term.
    asked = np.zeros(len(profile.terms), dtype=np.float32)
    asked[profile.place_of(term)] = 1
    ranker = snapshot.cached(("log-odds", name), lambda: _log_odds(snapshot, name, len(asked)))
    encoded = EncodedQuery(name, profile, Encoding(asked), (1, 1), None, ranker)
    # Conditions compare images with the query: this one shares nothing with any.
    nobody = Picture(np.zeros((1, 1), dtype=np.float32), term)
    return search(snapshot, nobody, [encoded], replace(options, by=[name]))


def term_map(snapshot: Snapshot, image: QueryImage, term: str, options: QueryOptions) -> tuple[Heat, float]:
    """Return where in an image a term comes from, and its log-odds there.

    One part after the other is covered: the term comes from where its log-odds fall. Raises as
    ``rank_by_term`` does; PictureError if the file of the image cannot be read.
    """
    profile = _profile(snapshot, profile_of(snapshot, options))
    place = profile.place_of(term)
    picture = image if isinstance(image, Picture) else snapshot.read(image)

    def score(shown: Picture) -> float:
        return float(np.asarray(profile.encode(shown).vector)[place])

    return occlusion(score, picture), score(picture)


def profile_of(snapshot: Snapshot, options: QueryOptions) -> str:
    """Return the name of the profile that is asked: the only one, or the one that ``by`` names."""
    there = [name for name, one in snapshot.stored.items() if one.is_fitted and "terms" in one.settings]
    chosen = [name for name in options.by or there if name in there]
    if len(chosen) == 1 and len(options.by) <= 1:
        return chosen[0]
    if not there:
        raise SettingError("term: this index has no semantic profile; `semblance learn-profile` learns one")
    raise SettingError(f"term: give one profile with --by; this index has {', '.join(there)}")


def _profile(snapshot: Snapshot, name: str) -> SemanticProfile:
    profile = snapshot.representation(name)
    assert isinstance(profile, SemanticProfile)
    return profile


def _log_odds(snapshot: Snapshot, name: str, n: int) -> ExactRanker:
    """Return a ranker of profiles by inner product: the cosine would forget how sure they are."""
    stored = snapshot.ranker(name)
    ids = np.asarray(stored.ids(), dtype=np.int64)
    ranker = ExactRanker(n, "dot")
    ranker.add(ids, [stored.vector(id) for id in ids.tolist()])
    return ranker
