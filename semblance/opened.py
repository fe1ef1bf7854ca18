"""An open index: every question that it answers, and what changes it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Self, Unpack

from retrieval.index import QueryOptions
from scale.shards.opening import open_index as open_reader
from scale.shards.opening import whole
from viewer.answering import ask, by_ids, findings_of, without_itself
from viewer.queries.query import Query, canvas_of, indexed_name

from . import keywords
from .images import query_of, volume_query
from .limits import limits_of, within_limits
from .results import Answer, Asked, Explanation

if TYPE_CHECKING:
    from retrieval.index.export import Vectors
    from retrieval.index.search.list_duplicates import DuplicateGroup
    from retrieval.index.writer import UpdateReport

    from .keywords import Image, Keywords, Labels, Marks, Names, Options
    from .limits import GivenLimits
    from .verdicts import Classification, Evaluation, Findings


class Index:
    """An open index. Use it in a ``with`` block, or ``close`` it.

    Images are given as ids of the index, as paths (also of one frame, ``file.dcm#12``), as arrays, (rows,
    cols) or (rows, cols, 3), or as images of Pillow. Parts of an image are marked by ``region`` (x, y, width,
    height), ``polygon``, ``mask`` or ``point``, as on the command line.

    What is added and removed here counts at once. What another process changes may not be seen before the
    index is opened again.

    Parameters
    ----------
    folder : the folder of the index, or a ``shards.toml``. IndexFolderError if it is none, or damaged.
    update : what was done if the index was just made or brought up to date, else None.
    limits : what the reading of a file may take, see ``semblance.open``.
    """

    def __init__(
        self,
        folder: str | PathLike[str],
        update: UpdateReport | None = None,
        limits: GivenLimits = None,
    ) -> None:
        (self.path,) = keywords.paths([folder], "folder")
        self.update, self.limits = update, limits_of(limits)
        self._reader = open_reader(self.path)

    @property
    def ids(self) -> Sequence[str]:
        """The ids of all images, in order."""
        return self._reader.names

    @property
    def representations(self) -> Sequence[str]:
        """The names of the representations: what ``by`` may say."""
        return self._reader.representations

    def __len__(self) -> int:
        return len(self._reader)

    def __contains__(self, id: object) -> bool:
        return id in self._reader

    @within_limits
    def query(self, image: Image, **given: Unpack[Keywords]) -> Answer:
        """Rank the indexed images by how much they look like an image.

        Parameters
        ----------
        given : options, see ``retrieval.index.QueryOptions``: ``by``, ``k``, ``where``, ``not_same``,
            ``group_by``, …; and what marks a part of the image.

        Raises
        ------
        SettingError : a name, condition, number or region that makes no sense.
        PictureError : the image cannot be read.
        """
        # The same steps as the command line takes, so that both give the same hits and scores.
        query = query_of(self._reader, image)
        marked, options = keywords.mark(given), self._options(query, given)
        answer = ask(self._reader, query, options)
        return Answer(Asked(self._reader, query, options, marked, answer, self.limits))

    @within_limits
    def query_volume(self, slices: Image | Iterable[Image], **given: Unpack[Options]) -> Answer:
        """Rank cases by how much they look like all slices of a volume together.

        Parameters
        ----------
        slices : a file or folder, of which the largest stack asks, or an id, whose stack does; or slices in
            order, as paths, ids, arrays or images of Pillow. An array (slices, rows, cols) is such a list.
        given : options, as for ``query``; cases are series unless ``group_by`` says otherwise.
        """
        query = volume_query(self._reader, slices)
        options = self._options(query, given)
        answer = ask(self._reader, query, options)
        return Answer(Asked(self._reader, query, options, keywords.mark({}), answer, self.limits))

    @within_limits
    def classify(
        self, image: Image, *, label_of: str = "label", unsure: float = 0.5, **given: Unpack[Keywords]
    ) -> Classification:
        """Say what an image is called after the labelled images that look like it.

        ``label_of`` is the column with the labels; below the confidence ``unsure`` there is no label.
        """
        from .verdicts import Classification

        keywords.checked({"label_of": label_of, "unsure": unsure})
        query = query_of(self._reader, image)
        # The votes of neighbours say what it is: an image never votes for itself, named or read.
        options = replace(self._options(query, {**given, "include_self": False}), include_self=True)
        found = self._reader.classify(query.subject, options, label_of=label_of, unsure=unsure)
        return Classification(**vars(found), query=query.id, lacking=self._reader.lacking)

    @within_limits
    def findings(self, image: Image, *, labels: Labels = None, **given: Unpack[Keywords]) -> Findings:
        """Return the labels that the ``k`` best cases have in common, beyond chance.

        ``labels``, a CSV table or labels by path, take the place of those of the index.
        """
        from .verdicts import Findings

        query = query_of(self._reader, image)
        table = keywords.table_of(labels)
        found = findings_of(self._reader, query, self._options(query, given), table)
        return Findings(**vars(found), query=query.id, lacking=self._reader.lacking)

    @within_limits
    def explain(
        self, image: Image, hit: str, *, by: str | None = None, **given: Unpack[Marks]
    ) -> Explanation:
        """Show what made an indexed image a hit, and test it; by default by the first that can tell."""
        from viewer.explanation_text import first_explainer

        keywords.checked({"hit": hit})
        query = query_of(self._reader, image)
        asked = self._options(query, {**given, "by": by or first_explainer(self._reader)})
        hit = indexed_name(self._reader, hit)
        found = self._reader.explain(query.subject, hit, QueryOptions(by=asked.by, region=asked.region))
        return Explanation(query.id, hit, found)

    def evaluate(self, *, labels: Labels = None, by: Names = (), **given: Any) -> Evaluation:
        """Measure how well each representation retrieves.

        Parameters
        ----------
        labels : a CSV table, or labels by path, in place of those of the index.
        given : further fields of ``retrieval.evaluation.EvaluationOptions``.
        """
        from retrieval.evaluation import EvaluationOptions, evaluate
        from retrieval.registry import refuse_unknown

        from .verdicts import Evaluation

        refuse_unknown("an evaluation", given, {*EvaluationOptions.__annotations__} - {"by", "labels"})
        table = keywords.table_of(labels)
        if "fusion" in given:
            given["fusion"] = keywords.names(given["fusion"], "fusion")
        options = EvaluationOptions(by=keywords.names(by), labels=table, **given)
        with whole(self._reader):
            return Evaluation(**vars(evaluate(self._reader, options)))

    def duplicates(self) -> list[DuplicateGroup]:
        """Return the groups of near-duplicates, those of more than one patient first."""
        from retrieval.index.search.list_duplicates import list_duplicates

        with whole(self._reader):
            return self._reader.ask(list_duplicates)

    def vectors(self, by: str | None = None) -> Vectors:
        """Return the vectors of all images by a representation, with ids and labels, for other tools."""
        from retrieval.index.export import export_vectors
        from viewer.queries.query import default_by

        chosen = keywords.names([by] if by else [default_by(self._reader)])
        with whole(self._reader):
            return export_vectors(self._reader, chosen[0])

    def add(
        self, *folders: str | PathLike[str], labels: Labels = None, jobs: int | None = None
    ) -> UpdateReport:
        """Index more folders or files, or what has changed in them; without any, finish what was begun."""
        from .updating import bring_up_to_date

        # A writer of its own for the time of the update; this reader goes on and then takes the new commit.
        self.update = bring_up_to_date(self.path, folders, labels=labels, jobs=jobs, limits=self.limits)
        self._reader.refresh()
        return self.update

    def remove(self, *ids: str) -> int:
        """Take out images, files with their frames, or folders (``name/``); return how many images went."""
        from retrieval.index.writer import IndexWriter

        with IndexWriter.open(self.path) as writer:
            n_removed = writer.remove(keywords.names(ids, "ids"))
        self._reader.refresh()
        return n_removed

    def close(self) -> None:
        """Let go of the folder."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"<semblance.Index {str(self.path)!r}: {len(self):,} images by {', '.join(self.representations)}>"
        )

    def _options(self, query: Query, given: Any) -> QueryOptions:
        """Return the options of a query, with the region that is marked in it."""
        options, marked = by_ids(self._reader, keywords.options(given)), keywords.mark(given)
        if marked.is_given:
            canvas = canvas_of(self._reader, query)
            options = replace(options, region=marked.on(canvas))
            if note := marked.about_outside(canvas):
                warnings.warn(note, stacklevel=4)
        return without_itself(self._reader, query, options)


def open_index(folder: str | PathLike[str], *, limits: GivenLimits = None) -> Index:
    """Open an index.

    Parameters
    ----------
    limits : what the reading of one file may take, for all that is asked and added: ``max_seconds``,
        ``max_memory`` (MB), ``max_pixels`` and ``max_frames``, as the flags of the command line.

    Raises
    ------
    IndexFolderError : the folder is no index, or a damaged one, or of a newer format.
    SettingError : limits that make no sense.
    """
    return Index(folder, limits=limits)
