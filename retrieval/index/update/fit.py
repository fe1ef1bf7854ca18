"""Fitting: the representations of an index learn from a sample of its pictures that no order decides."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from ...representation import Arrays, Representation
from ..catalogue.files import fetch, readable
from ..catalogue.pictures import removed_frames
from ..catalogue.recipe import canonical, make, recipe_hash, recipe_settings
from ..catalogue.representations import StoredRepresentation, bindings, note_fit
from ..progress import Progress
from ..storage.store import Store
from .encode import setup
from .worker_task import Failure, PartialResult, Task, sampling_key
from .workers import Executor

_MORE = 4


def fit_all(store: Store, crew: Executor, progress: Progress, seed: int = 0) -> None:
    """Fit every representation that is not fitted, each in a commit of its own.

    Those that learn from equally many pictures are sampled together, so that each file is read once for them.
    One that would learn from nothing, because no picture can be read, stays as it is. Raises FitError where
    there is too little to learn from.
    """
    groups: dict[int, list[tuple[StoredRepresentation, Representation]]] = {}
    for binding in bindings(store.catalogue):
        if not binding.is_fitted:
            representation = _beginner(store, binding)
            groups.setdefault(representation.n_fit_pictures, []).append((binding, representation))
    for n_wanted, group in groups.items():
        samples = _Sampler(store, crew, progress, [binding for binding, _ in group], seed).draw(n_wanted)
        for binding, representation in group:
            if samples[binding.id] or not n_wanted:
                _fit(store, binding, representation, samples.pop(binding.id))


def note_learnt(
    store: Store, binding: StoredRepresentation, representation: Representation, n_fitted: int
) -> None:
    """Write what a representation learnt, and publish it."""
    learnt = representation.learnt()
    model = store.save_model(learnt)
    recipe = recipe_hash(store.window.text, binding.name, recipe_settings(representation), learnt)
    report = getattr(representation, "report", None)
    with store.catalogue.transaction():
        note_fit(
            store.catalogue,
            binding.id,
            recipe=recipe,
            model=model,
            n_fitted=n_fitted,
            report=report if isinstance(report, dict) else {},
        )


def _beginner(store: Store, binding: StoredRepresentation) -> Representation:
    """Return what is to learn: as it was enrolled, or, to learn again, the present one."""
    given = store.given.get(binding.name)
    if given is not None and canonical(recipe_settings(given)) == canonical(dict(binding.settings)):
        return given
    present = [b for b in bindings(store.catalogue) if b.name == binding.name and b.is_fitted]
    if binding.is_next and present:
        return store.representation(present[0])
    return make(binding.name, binding.settings, store.factories)


def _fit(
    store: Store, binding: StoredRepresentation, representation: Representation, samples: deque[Arrays]
) -> None:
    n_fitted = len(samples)
    if representation.n_fit_pictures or not representation.is_fitted:
        representation = representation.learn(_consumed(samples))
    note_learnt(store, binding, representation, n_fitted)


class _Sampler:
    """Draw samples from the files with the smallest lots, equally many frames from each if they have them."""

    def __init__(
        self,
        store: Store,
        crew: Executor,
        progress: Progress,
        group: Sequence[StoredRepresentation],
        seed: int,
    ) -> None:
        self._store = store
        self._crew = crew
        self._progress = progress
        self._group = group
        self._stage = f"learn {', '.join(binding.name for binding in group)}"
        self._seed = seed

    def draw(self, n: int) -> dict[int, deque[Arrays]]:
        """Return the samples of at most n pictures, for each representation of the group."""
        samples = self._drawn(n) if n else []
        return {binding.id: deque(sample[binding.id] for sample in samples) for binding in self._group}

    def _drawn(self, n: int) -> list[Mapping[int, Arrays]]:
        ids = self._by_lot()
        quota = -(-n // max(len(ids), 1))
        while True:
            pieces = self._sampled(ids, quota, n)
            samples = [sample for piece in pieces for sample in piece.samples][:n]
            # A few files with many frames: take more of each until there are enough, or no more.
            if len(samples) == n or all(piece.n_frames <= quota for piece in pieces):
                return samples
            del pieces, samples
            quota *= _MORE

    def _by_lot(self) -> list[int]:
        sources = fetch(self._store.catalogue, readable(self._store.catalogue))
        return [
            id for _, id in sorted((sampling_key(self._seed, source.name), source.id) for source in sources)
        ]

    def _sampled(self, ids: Sequence[int], quota: int, n: int) -> list[PartialResult]:
        """Sample files in the given order until n samples are there."""
        pieces: dict[int, PartialResult] = {}
        gathered: list[PartialResult] = []
        n_gathered = 0

        def tasks() -> Iterator[Task]:
            for source in fetch(self._store.catalogue, ids):
                if n_gathered >= n:
                    return
                skip = removed_frames(self._store.catalogue, source.id)
                encode = tuple(binding.id for binding in self._group)
                yield Task(
                    source.id, source.path, source.name, encode, skip=skip, sample=quota, seed=self._seed
                )

        for task, outcome in self._crew.run(setup(self._store, self._group), tasks()):
            pieces[task.source] = PartialResult() if isinstance(outcome, Failure) else outcome
            while len(gathered) < len(ids) and (piece := pieces.pop(ids[len(gathered)], None)) is not None:
                gathered.append(piece)
                n_gathered += len(piece.samples)
            self._progress(self._stage, min(n_gathered, n), n)
        return gathered


def _consumed(samples: deque[Arrays]) -> Iterator[Arrays]:
    while samples:
        yield samples.popleft()
