"""Fitting: representations learn from a random sample of the images, the same in any order of files."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...representation import Arrays, Representation
from ..catalogue.files import IndexedSource, State, fetch, readable
from ..catalogue.pictures import removed_frames
from ..catalogue.recipe import canonical, make, recipe_hash, recipe_settings
from ..catalogue.representations import StoredRepresentation, note_fit, stored_representations
from ..progress import Progress
from ..storage.store import Store
from .archive_files import ArchiveFiles
from .flow import Flow
from .freed_memory import give_back_freed
from .kept_descriptions import keep_remembered
from .slide_bands import in_bands
from .worker_messages import PartialResult, Setup, Task
from .worker_setup import setup
from .worker_task import sampling_key
from .workers import Executor, Outcome, ProcessExecutor, SerialExecutor

_LARGE = 1 << 25
"""Bytes of samples for which worker processes are ended while they are learnt from."""

_MORE = 4
"""The factor by which more frames of each file are drawn if the files were too few."""


def fit_all(
    store: Store,
    executor: Executor,
    files: ArchiveFiles,
    progress: Progress,
    descriptions: Path | None = None,
    seed: int = 0,
) -> None:
    """Fit every representation that is not fitted, each in a commit of its own.

    Images that are learnt from are kept as described in a folder ``descriptions``, if one is given.

    Those that learn from equally many images are sampled together, so that each file is read once for all of
    them. If no image can be read, a representation that needs images stays unfitted.

    Raises
    ------
    FitError : there is too little to learn from.
    ArchiveError : an archive does not give the images to learn from.
    """
    groups: dict[int, list[tuple[StoredRepresentation, Representation]]] = {}
    for stored in stored_representations(store.catalogue):
        if not stored.is_fitted:
            representation = _unfitted(store, stored)
            groups.setdefault(representation.n_fit_pictures, []).append((stored, representation))
    for n_wanted, group in groups.items():
        chosen = [stored for stored, _ in group]
        about = setup(store, chosen, descriptions=descriptions)
        samples = _Sampler(store, executor, files, progress, chosen, about, seed).draw(n_wanted)
        # Idle worker processes hold more memory than what is learnt from; to start them again takes a second.
        if isinstance(executor, ProcessExecutor) and _bytes(samples) > _LARGE:
            executor.close()
        for stored, representation in group:
            if samples[stored.id] or not n_wanted:
                made = _fit(store, stored, representation, samples.pop(stored.id))
                keep_remembered(descriptions, stored.id, made)


def note_learnt(
    store: Store, stored: StoredRepresentation, representation: Representation, n_fitted: int
) -> None:
    """Write what a representation learnt, and commit it."""
    learnt = representation.learnt()
    model = store.save_model(learnt)
    recipe = recipe_hash(store.window.text, stored.name, recipe_settings(representation), learnt)
    report = getattr(representation, "report", None)
    with store.catalogue.transaction():
        note_fit(
            store.catalogue,
            stored.id,
            recipe=recipe,
            model=model,
            n_fitted=n_fitted,
            report=report if isinstance(report, dict) else {},
        )
        # The next one is recorded when it takes the place of the present one.
        if not stored.is_next:
            Flow(store).record(f"encode {stored.name}")


def _unfitted(store: Store, stored: StoredRepresentation) -> Representation:
    """Return what is to learn: as it was registered, else the present one if that is to learn again."""
    # The registered object may hold more than its settings say, such as a network that is loaded already.
    given = store.given.get(stored.name)
    if given is not None and canonical(recipe_settings(given)) == canonical(dict(stored.settings)):
        return given
    present = [b for b in stored_representations(store.catalogue) if b.name == stored.name and b.is_fitted]
    # With other settings it has nothing in common with the present one but the name.
    if stored.is_next and present and present[0].settings == stored.settings:
        return store.representation(present[0])
    return make(stored.name, stored.settings, store.factories)


def _fit(
    store: Store, stored: StoredRepresentation, representation: Representation, samples: deque[Arrays]
) -> Representation:
    n_fitted = len(samples)
    if representation.n_fit_pictures or not representation.is_fitted:
        representation = representation.learn(_consumed(samples))
    note_learnt(store, stored, representation, n_fitted)
    give_back_freed()
    return representation


def _bytes(samples: Mapping[int, deque[Arrays]]) -> int:
    return sum(array.nbytes for drawn in samples.values() for one in drawn for array in one.values())


class _Sampler:
    """Draw samples from the files with the smallest sampling keys, about equally many from each."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        files: ArchiveFiles,
        progress: Progress,
        group: Sequence[StoredRepresentation],
        about: Setup,
        seed: int,
    ) -> None:
        self._store = store
        self._executor = executor
        self._files = files
        self._progress = progress
        self._group = group
        self._about = about
        self._stage = f"learn {', '.join(stored.name for stored in group)}"
        self._seed = seed

    def draw(self, n: int) -> dict[int, deque[Arrays]]:
        """Return the samples of at most n images, for each representation of the group."""
        samples = self._drawn(n) if n else []
        return {stored.id: deque(sample[stored.id] for sample in samples) for stored in self._group}

    def _drawn(self, n: int) -> list[Mapping[int, Arrays]]:
        ids = self._in_sampling_order()
        quota = -(-n // max(len(ids), 1))  # frames of each file, rounded up
        while True:
            results = self._sampled(ids, quota, n)
            samples = [sample for result in results for sample in result.samples][:n]
            # Few files with many frames: draw more of each until there are enough, or no file has more. Files
            # are read again then, but keeping all frames of the first pass could fill the memory.
            if len(samples) == n or all(result.n_frames <= quota for result in results):
                return samples
            del results, samples
            quota *= _MORE

    def _in_sampling_order(self) -> list[int]:
        sources = fetch(self._store.catalogue, readable(self._store.catalogue))
        return [
            id for _, id in sorted((sampling_key(self._seed, source.name), source.id) for source in sources)
        ]

    def _sampled(self, ids: Sequence[int], quota: int, n: int) -> list[PartialResult]:
        """Sample files in the given order until there are n samples."""
        gathered: list[PartialResult] = []
        n_gathered = 0
        about = self._about

        def tasks() -> Iterator[Task]:
            for source in self._files.brought(fetch(self._store.catalogue, ids), by_series=False):
                if n_gathered >= n:
                    return
                yield from in_bands(self._task(source, quota), about)

        # Results come in the order of the files, so that the same files are used however fast each worker is.
        for result in self._whole(about, self._executor.run(about, tasks())):
            gathered.append(result)
            n_gathered += len(result.samples)
            self._progress(self._stage, min(n_gathered, n), n)
        # A vocabulary of what happened to arrive would be another one each time.
        for error in self._files.errors.values():
            raise error
        return gathered

    def _task(self, source: IndexedSource, quota: int) -> Task:
        skip = removed_frames(self._store.catalogue, source.id)
        encode = tuple(stored.id for stored in self._group)
        about = (source.id, source.path, source.name, encode)
        part = source.part if source.state is State.READ else None
        return Task(*about, skip=skip, sample=quota, seed=self._seed, also=self._store.also, part=part)

    def _whole(self, about: Setup, outcomes: Iterator[tuple[Task, Outcome]]) -> Iterator[PartialResult]:
        """Yield the samples of each file, those of the bands of a slide put together."""
        bands: list[Outcome] = []
        for task, outcome in outcomes:
            bands.append(outcome)
            if task.is_last:
                self._files.done(task.path)
                yield _joined(bands) or self._alone(about, task)
                bands = []

    def _alone(self, about: Setup, task: Task) -> PartialResult:
        """Sample a slide as a whole: a tile that was drawn cannot be read, and another takes its place."""
        if task.band is None:
            return PartialResult()
        outcomes = [one for _, one in SerialExecutor().run(about, iter([replace(task, band=None)]))]
        return _joined(outcomes) or PartialResult()


def _joined(bands: Sequence[Outcome]) -> PartialResult | None:
    """Return the samples of all bands of a file; None if one has failed."""
    results = [band for band in bands if isinstance(band, PartialResult)]
    if len(results) < len(bands):
        return None
    # The tiles that were drawn first come last, as of a file that is sampled as a whole.
    samples = [sample for result in reversed(results) for sample in result.samples]
    return replace(results[0], samples=samples)


def _consumed(samples: deque[Arrays]) -> Iterator[Arrays]:
    # Samples leave memory as they are read: what is learnt from them may need as much again.
    while samples:
        yield samples.popleft()
    give_back_freed()
