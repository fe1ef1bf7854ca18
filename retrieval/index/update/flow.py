"""The flow: the steps of an index as the nodes of a small graph, each with a key, and what is stale.

    files ──────────────┐                 labels ─┐
                        ├─ encode R ─┬─ learn R+m ┴─ derive R+m
    learn R (a sample) ─┘            └─ rank R          learn R, learn S, labels ─ weigh R, S

A node's key is a hash of its version, its settings and the keys of its inputs. A result lies under a hash of
its own, the recipe, which is all that later nodes see of it: what is made again and comes out as it was stops
there. What a model learnt from is drawn once, so that new files make it no other; ``--refit`` draws again.
Nothing is kept but results, and a record of what each was made of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...errors import SemblanceError
from ...metric_learning import LearnedMetric
from ..catalogue.chosen_rankers import chosen_rankers
from ..catalogue.flow_records import Record, read_records, write_record
from ..catalogue.learned_fusions import LearntFusion, read_fusions
from ..catalogue.recipe import canonical
from ..catalogue.representations import StoredRepresentation, stored_representations
from ..storage.store import Store


@dataclass(frozen=True)
class Node:
    """One step.

    Parameters
    ----------
    name : ``files``, ``labels``, or what is done and of which representation.
    version : of how it is done; a package raises it when the same input gives another output.
    settings : what else decides its output, such as a recipe.
    inputs : the names of the nodes before it.
    recipe : the hash of its result, under which its record is; None if the result has none of its own.
    """

    name: str
    version: int = 1
    settings: str = ""
    inputs: tuple[str, ...] = ()
    recipe: str | None = None


class Flow:
    """The nodes of an index, in an order in which each follows its inputs.

    It reads the catalogue when it is made, and hashes what it is asked for.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records = read_records(store.catalogue)
        fitted = [b for b in stored_representations(store.catalogue) if b.is_fitted and not b.is_next]
        own = [node for stored in fitted if stored.base is None for node in self._of_images(stored)]
        derived = [node for stored in fitted if stored.base is not None for node in self._of_metric(stored)]
        nodes = {node.name: node for node in (*own, *derived)}
        # Weights of what is not in the index any more wait for it to come back.
        weights = (_of_fusion(one) for one in read_fusions(store.catalogue))
        fused = [node for node in weights if {*node.inputs} <= {*nodes, "labels"}]
        self.nodes: Mapping[str, Node] = {**nodes, **{node.name: node for node in fused}}
        self._keys: dict[str, str] = {}

    def key(self, name: str) -> str:
        """Return the key of a node, 64 hexadecimal digits. KeyError if there is none of that name."""
        if name not in self._keys:
            self._keys[name] = self._key(name)
        return self._keys[name]

    def because(self, name: str) -> str:
        """Return why a node is stale, in words; empty if it is not, or has no record."""
        node = self.nodes[name]
        record = self._records.get(node.recipe or "")
        if record is None:
            return ""
        reasons = [f"{one} changed" for one, key in record.inputs.items() if self._differs(one, key)]
        if record.version != node.version:
            reasons.append(f"its version was {record.version}, and is {node.version} now")
        return ", ".join(reasons)

    def record(self, name: str, options: Mapping[str, object] | None = None) -> None:
        """Within a transaction: record that a node is made, of its inputs as they are now."""
        node = self.nodes[name]
        # What is learnt from a table of the user's own is not a matter of the labels of the index.
        inputs = {one: self.key(one) for one in node.inputs if options is not None}
        assert node.recipe is not None
        write_record(self._store.catalogue, node.recipe, Record(node.version, inputs, options))

    def fits(self, metric: StoredRepresentation) -> bool:
        """Tell whether a metric was learnt on the vectors that its base has now."""
        base = f"learn {metric.base}"
        record = self._records.get(str(metric.recipe))
        if base not in self.nodes or metric.base_recipe != self.nodes[base].settings:
            return False
        return record is None or record.inputs.get(base) in (None, self.key(base))

    def options(self, name: str) -> Mapping[str, object] | None:
        """Return with what a node can be made again; None if the index does not keep that."""
        record = self._records.get(self.nodes[name].recipe or "")
        return None if record is None else record.options

    def _key(self, name: str) -> str:
        if name == "files":
            return self._files
        if name == "labels":
            return self._labels
        node = self.nodes[name]
        # The recipe is a hash already, of settings, window and all that was learnt.
        own = [node.version, node.name, node.settings, [self.key(one) for one in node.inputs]]
        return hashlib.sha256(canonical(own).encode()).hexdigest()

    def _differs(self, name: str, key: str) -> bool:
        known = name in self.nodes or name in ("files", "labels")
        return not known or self.key(name) != key

    def _of_images(self, stored: StoredRepresentation) -> Iterator[Node]:
        recipe, version = str(stored.recipe), version_of(self._store, stored)
        # Of another version it is another model, although it has the same arrays.
        yield Node(f"learn {stored.name}", version, recipe)
        yield Node(f"encode {stored.name}", version, "", ("files", f"learn {stored.name}"), recipe)
        chosen = chosen_rankers(self._store.catalogue).get(stored.name)
        if chosen is not None:
            yield Node(f"rank {stored.name}", 1, chosen, (f"encode {stored.name}",))

    def _of_metric(self, stored: StoredRepresentation) -> Iterator[Node]:
        recipe, learn = str(stored.recipe), f"learn {stored.name}"
        # Only labelled images are learnt from: a new file changes nothing until it has a label. The reports
        # that a profile is learnt from are not in the index.
        inputs = (f"learn {stored.base}", *([] if "terms" in stored.settings else ["labels"]))
        yield Node(learn, LearnedMetric.version, recipe, inputs, recipe)
        yield Node(f"derive {stored.name}", 1, "", (f"encode {stored.base}", learn))

    @cached_property
    def _files(self) -> str:
        """The fingerprint of what was read: of the bytes of each file that its reader looked at."""
        sql = "SELECT name, part, size, mtime_ns FROM source WHERE state = 'read' ORDER BY name"
        # One of an older format has no hash of its contents until an update has looked at it.
        return _hash(
            (n, bytes(part).hex() if part else [size, time]) for n, part, size, time in self._rows(sql)
        )

    @cached_property
    def _labels(self) -> str:
        return _hash(self._rows("SELECT name, labels, columns FROM label ORDER BY name"))

    def _rows(self, sql: str) -> Sequence[tuple[Any, ...]]:
        return self._store.catalogue.rows(sql)


def _of_fusion(learnt: LearntFusion) -> Node:
    inputs = (*(f"learn {name}" for name in learnt.by), "labels")
    return Node(weigh(learnt.by), 1, canonical(list(learnt.weights)), inputs, learnt.record)


def weigh(by: Sequence[str]) -> str:
    """Return the name of the node in which the weights of some representations are learnt."""
    return f"weigh {', '.join(by)}"


def version_of(store: Store, stored: StoredRepresentation) -> int:
    """Return the version that a representation declares, 1 if none; that of the record if it is not there."""
    try:
        return int(getattr(store.unlearnt(stored), "version", 1))
    except SemblanceError:  # its package is not installed, so that nothing can be made again either
        record = read_records(store.catalogue).get(str(stored.recipe))
        return 1 if record is None else record.version


def _hash(rows: Iterable[Sequence[object]]) -> str:
    digest = hashlib.sha256()
    # Row by row: the text of millions of labels is not held at once.
    for row in rows:
        digest.update(canonical(list(row)).encode())
    return digest.hexdigest()
