"""What an index says of concepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..storage.concept_file import Concept, read_concepts
from ..storage.latest_snapshot import LatestSnapshot
from .concepts import Example, drop_concept, learn_concept


class ConceptMethods:
    """The part of ``Index`` that is about concepts; they are kept beside it, and need no writer."""

    _latest: LatestSnapshot

    @property
    def concepts(self) -> Mapping[str, Concept]:
        """The concepts that were learnt, by name. Raise IndexFolderError if their file is damaged."""
        return self._latest.ask(lambda snapshot: read_concepts(snapshot.catalogue.folder))

    def learn_concept(
        self, name: str, like: Sequence[Example], unlike: Sequence[Example] = (), by: Sequence[str] = ()
    ) -> Concept:
        """Learn a concept from examples and keep it; see ``retrieval.index.search.concepts``."""
        return self._latest.ask(lambda snapshot: learn_concept(snapshot, name, like, unlike, by))

    def drop_concept(self, name: str) -> None:
        """Forget a concept. Raise SettingError if there is none of that name."""
        self._latest.ask(lambda snapshot: drop_concept(snapshot, name))
