"""Options of learning a profile, as they are given, and as an index keeps them to learn it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...errors import SettingError
from ...metadata.label_table import LabelTable
from ...metadata.reports import ReportFiles
from ...metric_learning.semantics import ProfileLearner


@dataclass(frozen=True)
class ProfileOptions:
    """Options of learning a profile; see ``learn_profile``.

    Parameters
    ----------
    by : the representation whose vectors are clustered.
    reports : the terms of each image or file, as labels; see ``read_reports``.
    terms : all that were looked for, in order.
    learner : the clusters and their log-odds.
    where : only images that meet this condition are learnt from; all get profiles.
    not_same : images that share a value of this column are one patient; if None that of the first of
        ``KEPT_TOGETHER`` (``retrieval.metadata.groups``) that they have.
    name : follows the ``+``.
    files : where ``reports`` and ``terms`` were read; None if in no files, so that an update cannot learn the
        profile again.
    """

    by: str
    reports: LabelTable
    terms: Sequence[str]
    learner: ProfileLearner = field(default_factory=ProfileLearner)
    where: str | None = None
    not_same: str | None = None
    name: str = "profile"
    files: ReportFiles | None = None

    def __post_init__(self) -> None:
        if not self.name.isprintable() or set(self.name) & set("+ ,") or not self.name:
            raise SettingError(f"name: {self.name!r}; give letters, digits, '-', '_' and '.'")
        if "+" in self.by:
            raise SettingError(f"by: {self.by} is learnt already; name the representation before the +")

    @property
    def full_name(self) -> str:
        """The name of the representation."""
        return f"{self.by}+{self.name}"


def keepable(options: ProfileOptions, asks_labels: bool) -> Mapping[str, Any] | None:
    """Return options as JSON can hold them; None if what was learnt from cannot be read again.

    ``asks_labels`` : the labels of the index are among it.
    """
    files = options.files
    if files is None or not files.can_be_read_again:
        return None
    about = {name: getattr(options, name) for name in ("by", "where", "not_same", "name")}
    return {
        **about,
        "learner": asdict(options.learner),
        "reports": str(files.reports),
        "terms": files.terms and str(files.terms),
        "columns": list(files.columns),
        "labels": asks_labels,
    }


def options_again(kept: Mapping[str, Any]) -> ProfileOptions:
    """Return the options of a profile that is to be learnt again, with its tables as they are now.

    Raises SettingError if they are not there or cannot be read.
    """
    terms = kept["terms"] and Path(kept["terms"])
    files = ReportFiles.at(Path(kept["reports"]), terms, kept["columns"])
    for what, path in (("reports", files.reports), ("terms", terms)):
        if not files.digests[what]:
            raise SettingError(f"its {what} are not at {path} any more; run `semblance learn-profile`")
    table, names = files.read()
    about = {name: kept[name] for name in ("where", "not_same", "name")}
    return ProfileOptions(
        kept["by"], table, names, learner=ProfileLearner(**kept["learner"]), files=files, **about
    )
