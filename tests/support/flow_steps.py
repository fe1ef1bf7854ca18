"""What an update really does: each step is counted where it is done."""

from collections import Counter

from retrieval.index.update import search_structures
from retrieval.index.update.workers import SerialExecutor
from retrieval.metric_learning import LearnedMetric, MetricLearner


def count_steps(monkeypatch):
    """Return a counter of files sampled and encoded, metrics learnt, vectors derived and structured."""
    counts = Counter()

    class Counted(SerialExecutor):
        def run(self, setup, tasks):
            names = {spec.id: spec.name for spec in setup.specs}

            def counted():
                for task in tasks:
                    step = "learn" if task.sample else "encode"
                    counts.update(f"{step} {names[id]}" for id in task.encode or names)
                    yield task

            yield from super().run(setup, counted())

    monkeypatch.setattr("retrieval.index.update.run.make_executor", lambda jobs: Counted())
    derive, learn, merge = LearnedMetric.derive, MetricLearner.learn, search_structures.merge

    def derived(self, vector):
        counts[f"derive {self.name}"] += 1
        return derive(self, vector)

    def learnt(self, vectors, classes):
        counts["learn metric"] += 1
        return learn(self, vectors, classes)

    def merged(store, group, representations, structure=None):
        (made,) = representations.values()
        counts[f"rank {made.name}"] += sum(segment.n for segment in group)
        return merge(store, group, representations, structure)

    monkeypatch.setattr(LearnedMetric, "derive", derived)
    monkeypatch.setattr(MetricLearner, "learn", learnt)
    monkeypatch.setattr(search_structures, "merge", merged)
    return counts
