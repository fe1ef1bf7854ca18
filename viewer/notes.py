"""Notes: what an answer does not say of itself, a line each, at the command line and on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrieval.metadata.groups import NAMED_IN_FILES
from retrieval.representation import family_of

from .answer import Answer, caption_of
from .answer_notes import has_value, note_on_cases, note_on_condition, note_on_lone_slice
from .option_notes import note_on_fusion, note_on_places
from .queries.query import Query, asked_by
from .safe_text import counted, first_few, printable

if TYPE_CHECKING:
    from retrieval.index import Index, QueryOptions

NOTHING_SHARED = (
    "every score is 0, so the order tells nothing; is the image, or its region, without structure?"
)


class Notes:
    """Gather what is to be known of the answers of an index: of each one, and of all together.

    Parameters
    ----------
    index : that answers.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._lacking: list[str] = []
        self._unplaced: str | None = None
        self._options: QueryOptions | None = None
        self._has_boxes = False

    def add(self, query: Query, options: QueryOptions, answer: Answer) -> list[str]:
        """Return the notes on one answer alone, and keep in mind what ``rest`` says of all."""
        self._options, by = options, asked_by(self._index, options)
        self._has_boxes = self._has_boxes or any(row.box is not None for row in answer.rows)
        space = None
        if options.region is not None:
            # Once for all queries: the reason is the index, not the image.
            self._unplaced = self._unplaced or note_on_boxes(self._index, by)
            # For each query: it says that this very region is found nowhere.
            space = note_on_space(self._index, by, answer)
        if options.not_same is not None and has_no_value(self._index, query, options.not_same):
            self._lacking.append(query.id)
        foreign = note_on_modality(self._index, query, by)
        lacking = note_on_shards(answer.lacking)
        # Of one image there is no order, and the deviation that scores are scaled by is 0.
        is_alone = len(answer.rows) == 1 and (options.k > 1 or len(self._index) == 1)
        scores = None if is_alone else note_on_scores(answer)
        where = note_on_condition(self._index, options, answer)
        cases = note_on_cases(query, options, answer)
        lone = note_on_lone_slice(query)
        return [note for note in (lacking, scores, space, foreign, where, cases, lone) if note]

    def rest(self) -> list[str]:
        """Return the notes on the index, and on the options of all queries."""
        options = self._options
        if options is None:
            return []
        names = (note_on_names(self._index, column) for column in (options.not_same, options.group_by))
        metrics = None if options.by or options.region is not None else note_on_metrics(self._index)
        weights = note_on_weights(self._index, options) or note_on_fusion(self._index, options)
        missing = note_on_missing(self._lacking, str(options.not_same)) if self._lacking else None
        found = (
            self._unplaced,
            next(filter(None, names), None),
            metrics,
            weights,
            note_on_places(self._index, options, self._has_boxes),
            note_on_blind(options.blind),
        )
        return [*(printable(note) for note in found if note), *([missing] if missing else [])]


def finds_inliers(index: Index, by: Sequence[str], has_region: bool) -> bool:
    """Tell whether a representation that is asked looks for local matches that agree in space."""
    from retrieval.evidence.localization import Locator

    for name in by or index.default_representations:
        made = index.representation(name)
        # Networks compare windows as a whole: they say where, and have no matches to count.
        is_words = family_of(made) == "words"
        if is_words and isinstance(made, Locator) and made.n_candidates(has_region) != 0:
            return True
    return False


def note_on_space(index: Index, by: Sequence[str], answer: Answer) -> str | None:
    """Return the line that says that a region is found nowhere as it is; None if it is, or nobody looked."""
    # Of regions that are in no image of the index, hardly any finds inliers: their number tells so better
    # than any score.
    if not answer.rows or any(row.inliers for row in answer.rows) or not finds_inliers(index, by, True):
        return None
    # SIFT finds few points in a small or smooth region; a grid, or superpixels, have points everywhere.
    asked = by or index.default_representations
    others = [n for n in index.representations if n not in asked and finds_inliers(index, [n], True)]
    remedy = f"; ask by other points with {' '.join(f'--by {name}' for name in others)}" if others else ""
    return printable(
        f"note: {answer.query.id}: nothing here matches the region in space (no inlier in any hit); the hits "
        f"are what is most like it{remedy}"
    )


def note_on_shards(lacking: str) -> str | None:
    """Return the line that says which images were not asked; None if all were."""
    return printable(f"warning: {lacking}") if lacking else None


def note_on_scores(answer: Answer) -> str | None:
    """Return the line that says that the order of an answer tells nothing; None if it does."""
    # Ties are broken by name, so an answer of zeros looks like one that means something.
    if not answer.rows or any(row.score for row in answer.rows):
        return None
    return printable(f"note: {answer.query.id}: {NOTHING_SHARED}")


def has_no_value(index: Index, query: Query, column: str) -> bool:
    """Tell whether a query has no value of a column, so that nothing can share it."""
    # A file that is not indexed has its header alone.
    if query.picture is not None:
        return column not in {**query.picture.groups, **query.picture.metadata}
    return not has_value(caption_of(index, query.shown, column), column)


def note_on_names(index: Index, column: str | None) -> str | None:
    """Return the line that says that names of a column cannot be compared; None if they can.

    Names of files are hashed identifiers. If a label table names no one whom a file names, it most likely
    uses names of its own, and nobody can tell whether two of them are one person.
    """
    if column not in NAMED_IN_FILES:
        return None
    if not index.ask(lambda snapshot: snapshot.catalogue.key.is_known):
        return (
            f"note: the key of this index is not at hand, so that no {column} of a new file or a label table "
            "can be matched with those of indexed files; give --key FILE"
        )
    if (apart := index.ask(lambda snapshot: snapshot.columns.people(column).apart())) is None:
        return None
    by_table, by_file = (counted(n, f"{column} name") for n in apart)
    return (
        f"note: {by_table} of label tables and {by_file} of file headers have none in common and cannot be "
        f"compared; one {column} may be taken for two"
    )


def note_on_metrics(index: Index) -> str | None:
    """Return the line that says which learnt metrics answer a query without ``--by``; None if none does."""
    answering = list(index.default_representations)
    metrics = [name for name in answering if "+" in name]
    if not metrics:
        return None
    learnt = f"{' and '.join(metrics)}, learnt from labels"
    bases = list(dict.fromkeys(name.partition("+")[0] for name in metrics))
    # A metric whose trial showed a gain replaces its base; one that neither gained nor lost is fused with it.
    fused = [name for name in bases if name in answering]
    are, answer, that = ("are", "answer", "those") if len(metrics) > 1 else ("is", "answers", "that")
    flags = " ".join(f"--by {name}" for name in fused or bases)
    if fused:
        others = " and ".join(fused)
        return f"note: without --by, {learnt}, {are} fused with {others}; {flags} asks without it"
    return f"note: without --by, {learnt}, {answer} in place of {' and '.join(bases)}; {flags} asks {that}"


def note_on_weights(index: Index, options: QueryOptions) -> str | None:
    """Return the line that says which learnt weights fuse an answer; None if the query names a rule."""
    names = asked_by(index, options)
    if options.fusion is not None or len(names) < 2 or rule_of(index, options) != "learnt":
        return None
    learnt = next((one for one in index.fusions if one.by == tuple(sorted(names))), None)
    if learnt is None:  # a commit came between the two questions
        return None
    weights = dict(zip(learnt.by, learnt.weights, strict=True))
    shown = ", ".join(f"{name} {weights[name]:.2f}" for name in names)
    return f"note: fused by weights learnt from labels, {shown}; --fusion z asks without them"


def rule_of(index: Index, options: QueryOptions) -> str:
    """Return the rule that fuses the representations of a query."""
    from retrieval.index.search.fusion import fusion_rule

    names = asked_by(index, options)
    return index.ask(lambda snapshot: fusion_rule(snapshot, names, options))


def note_on_modality(index: Index, query: Query, by: Sequence[str]) -> str | None:
    """Return the line that says that a metric learnt from images of another modality than the query's."""
    metrics = [name for name in by or index.default_representations if "+" in name]
    if not metrics:
        return None
    picture = query.picture if query.known_as is None else index.picture(query.known_as)
    modality = None if picture is None else picture.metadata.get("modality")
    for stored in index.info()["representations"] if modality else ():
        learnt = stored["report"].get("modalities", ())
        if stored["name"] in metrics and learnt and modality not in learnt:
            return (
                f"note: {stored['name']} learnt from {', '.join(learnt)} and may mislead on {modality}; "
                f"--by {stored['name'].partition('+')[0]} asks without what was learnt"
            )
    return None


def note_on_blind(n: int) -> str | None:
    """Return the line that says what blind feedback costs; None without it."""
    if not n:
        return None
    return (
        "note: --blind moves the query towards hits that may be wrong: it finds more in all, and its very "
        "first hits are right less often"
    )


def note_on_missing(ids: Sequence[str], column: str) -> str:
    """Return the line that says of which queries a column that should leave images out has no value."""
    # Three names show which images are meant; all of a folder would fill the screen.
    return (
        f"--not-same {column}: no {column} is known of {first_few(ids)}; only the image itself was left out"
    )


def note_on_boxes(index: Index, by: Sequence[str]) -> str | None:
    """Say why no hit of a region has a box, and what helps; None if one that is asked can tell."""
    from retrieval.index.search.encode_query import locates

    asked = by or index.default_representations
    if any(locates(index.representation(name)) for name in asked):
        return None
    # deep without window embeddings could tell, if it were indexed with them: that is the better remedy.
    bare = [name for name in asked if index.representation(name).settings.get("cells") == 0]
    others = [
        f"--by {name}"
        for name in index.representations
        if name not in asked and locates(index.representation(name))
    ]
    if bare:
        why = f"{', '.join(bare)} keeps no window embeddings in this index"
        remedies = ["make another index with --cells 5", *others]
    else:
        why = f"{', '.join(asked)} cannot tell"
        remedies = others or ["index with --by superpixel or --by deep as well"]
    return f"note: no hit says where the region is in it: {why}; {' or '.join(remedies)}"
