"""What is measured must be encoded: an update that was interrupted has left images without vectors."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..index.search.encode_query import not_encoded
from ..index.storage.snapshot import Snapshot
from .task import EvaluationTask


def require_encoded(snapshot: Snapshot, names: Iterable[str], task: EvaluationTask) -> None:
    """Raise SettingError if a representation lacks an image that asks or may be found.

    It would be ranked by nobody, and so be no right answer that was missed: measures would be too good.
    """
    wanted = np.union1d(task.queries, np.flatnonzero(task.database))
    for name in dict.fromkeys(names):
        # A metric that is learnt anew is one of what its base has encoded.
        held = name if name in snapshot.stored else name.partition("+")[0]
        if held not in snapshot.stored:
            continue  # whoever asks for it says which there are
        lacking = np.setdiff1d(wanted, snapshot.ranker(held).ids())
        if len(lacking):
            raise not_encoded(snapshot.names[int(lacking[0])], held)
