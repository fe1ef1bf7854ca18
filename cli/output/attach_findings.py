"""Findings and reference material that are shown with an answer."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from viewer.answer import Answer
from viewer.answering import with_findings
from viewer.queries.query import Query
from viewer.safe_text import printable

from ..options.parameters import Arguments, form_of
from ..options.ranking_flags import wants_findings
from .findings_tables import as_text

if TYPE_CHECKING:
    from retrieval.index import Index, QueryOptions
    from retrieval.metadata.label_table import LabelTable
    from retrieval.metadata.reference_table import References


@dataclass(frozen=True)
class FindingsTables:
    """The tables that were given for findings, read once; ``is_wanted`` tells whether any are wanted."""

    is_wanted: bool
    form: str = "table"
    labels: LabelTable | None = None
    references: References | None = None

    @classmethod
    def read(cls, args: Arguments) -> FindingsTables:
        """Read the tables. Raise SettingError if one makes no sense."""
        if not wants_findings(args):
            return cls(False)
        from retrieval.metadata.label_table import LabelTable
        from retrieval.metadata.reference_table import References

        labels = None if args.labels is None else LabelTable.read(args.labels)
        references = None if args.references is None else References.read(args.references)
        return cls(True, form_of(args), labels, references)

    def attach(
        self, index: Index, query: Query, answer: Answer, options: QueryOptions, through: float = 0.0
    ) -> Answer:
        """Return an answer with its findings; forms that cannot hold them have them on stderr."""
        # Findings count labels of all cases, which takes longer than the query.
        if not self.is_wanted:
            return answer
        attached = with_findings(index, query, answer, options, self.labels, self.references, through)
        # One line a hit has no room for what concerns the whole answer.
        if self.form in ("csv", "trec"):
            print(f"{printable(answer.query.id)}{as_text(attached)}", file=sys.stderr)
        return attached
