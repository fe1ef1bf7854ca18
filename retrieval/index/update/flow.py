"""The flow: the steps of an index as the nodes of a small graph, each with a key, and what is stale.

    files ──────────────┐         labels, or reports and terms ─┐
                        ├─ encode R ─┬──────────── learn R+m ───┴─ derive R+m ─ rank R+m
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
from pathlib import Path
from typing import Any

from ...errors import SemblanceError
from ...metadata.reports import digest_of
from ...metric_learning import LearnedMetric
from ...metric_learning.semantics import SemanticProfile
from ..catalogue.chosen_rankers import chosen_rankers
from ..catalogue.flow_records import Record, read_records, write_record
from ..catalogue.learned_fusions import LearntFusion, read_fusions
from ..catalogue.recipe import canonical
from ..catalogue.representations import StoredRepresentation, stored_representations
from ..storage.store import Store
from .learnt_of import is_profile, learnt_of, tables_of


@dataclass(frozen=True)
class Node:
    """One step.

    Parameters
    ----------
    name : what is done, and of which representation.
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

    Attributes
    ----------
    sources : what is given, and has a key but no node: files, labels, and the tables of each profile.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records = read_records(store.catalogue)
        self._tables: dict[str, Path] = {}
        self._metrics: dict[str, StoredRepresentation] = {}
        fitted = [b for b in stored_representations(store.catalogue) if b.is_fitted and not b.is_next]
        own = [node for stored in fitted if stored.base is None for node in self._of_images(stored)]
        derived = [node for stored in fitted if stored.base is not None for node in self._of_metric(stored)]
        nodes = {node.name: node for node in (*own, *derived)}
        # Weights of what is not in the index any more wait for it to come back.
        weights = (_of_fusion(one) for one in read_fusions(store.catalogue))
        fused = [node for node in weights if {*node.inputs} <= {*nodes, "labels"}]
        self.nodes: Mapping[str, Node] = {**nodes, **{node.name: node for node in fused}}
        self.sources = ("files", "labels", *self._tables)
        self._keys: dict[str, str] = {}

    def key(self, name: str) -> str:
        """Return the key of a node or a source, 64 hexadecimal digits; empty for a table that is not there.

        KeyError if there is none of that name.
        """
        if name not in self._keys:
            self._keys[name] = self._key(name)
        return self._keys[name]

    def because(self, name: str) -> str:
        """Return why a node is stale, in words; empty if it is not, or has no record."""
        node = self.nodes[name]
        record = self._records.get(node.recipe or "")
        if record is None:
            return ""
        reasons = [
            f"{self._called(one)} changed" for one, key in record.inputs.items() if self._differs(one, key)
        ]
        if record.version != node.version:
            reasons.append(f"its version was {record.version}, and is {node.version} now")
        return ", ".join(reasons)

    def missing(self, name: str) -> str:
        """Return which tables of a node are not where they were, in words; empty if all are there."""
        gone = (one for one in self.nodes[name].inputs if one in self._tables and not self.key(one))
        return ", ".join(f"{self._called(one)} are not at {self._tables[one]} any more" for one in gone)

    def remedy(self, name: str) -> str:
        """Return the command that makes a stale node again."""
        if name.startswith("encode ") or (self.options(name) is not None and not self.missing(name)):
            return "`semblance index --remake`"
        if name.startswith("weigh "):
            return "`semblance learn-fusion`"
        return "`semblance learn-profile`" if is_profile(self._metrics[name]) else "`semblance learn-metric`"

    def record(
        self, name: str, options: Mapping[str, Any] | None = None, digests: Mapping[str, str] | None = None
    ) -> None:
        """Within a transaction: record that a node is made, of its inputs as they are now.

        ``options`` : with which it can be made again; ``digests`` : of the tables that it was made of.
        """
        node = self.nodes[name]
        tables = {f"{what} {name.removeprefix('learn ')}": digest for what, digest in (digests or {}).items()}
        self._keys |= {one: self._keyed(digest) for one, digest in tables.items()}
        names = learnt_of(self._metrics[name], options) if name in self._metrics else node.inputs
        # What is learnt from a table of the user's own is not a matter of the labels of the index.
        inputs = {one: self.key(one) for one in names if options is not None}
        assert node.recipe is not None
        write_record(self._store.catalogue, node.recipe, Record(node.version, inputs, options))

    def fits(self, metric: StoredRepresentation) -> bool:
        """Tell whether a metric was learnt on the vectors that its base has now."""
        base = f"learn {metric.base}"
        record = self._records.get(str(metric.recipe))
        if base not in self.nodes or metric.base_recipe != self.nodes[base].settings:
            return False
        return record is None or record.inputs.get(base) in (None, self.key(base))

    def options(self, name: str) -> Mapping[str, Any] | None:
        """Return with what a node can be made again; None if the index does not keep that."""
        record = self._records.get(self.nodes[name].recipe or "")
        return None if record is None else record.options

    def _key(self, name: str) -> str:
        if name == "files":
            return self._files
        if name == "labels":
            return self._labels
        if name in self._tables:
            return self._keyed(digest_of(self._tables[name]))
        node = self.nodes[name]
        # The recipe is a hash already, of settings, window and all that was learnt.
        own = [node.version, node.name, node.settings, [self.key(one) for one in node.inputs]]
        return hashlib.sha256(canonical(own).encode()).hexdigest()

    def _differs(self, name: str, key: str) -> bool:
        if name in self._tables:  # of one that is not there nothing is known
            return self.key(name) not in ("", key)
        known = name in self.nodes or name in self.sources
        return not known or self.key(name) != key

    def _called(self, name: str) -> str:
        return f"its {name.split()[0]}" if name in self._tables else name

    def _keyed(self, digest: str) -> str:
        # Without the key of the index nobody can test what a report says.
        key = self._store.salt[:64]
        return hashlib.blake2b(digest.encode(), digest_size=32, key=key).hexdigest() if digest else ""

    def _of_images(self, stored: StoredRepresentation) -> Iterator[Node]:
        recipe, version = str(stored.recipe), version_of(self._store, stored)
        # Of another version it is another model, although it has the same arrays.
        yield Node(f"learn {stored.name}", version, recipe)
        yield Node(f"encode {stored.name}", version, "", ("files", f"learn {stored.name}"), recipe)
        yield from self._ranked(stored, f"encode {stored.name}")

    def _of_metric(self, stored: StoredRepresentation) -> Iterator[Node]:
        recipe, learn = str(stored.recipe), f"learn {stored.name}"
        record = self._records.get(recipe)
        options = None if record is None else record.options
        self._metrics[learn] = stored
        if "reports" in (options or {}):
            self._tables |= tables_of(stored.name, options or {})
        version = SemanticProfile.version if is_profile(stored) else LearnedMetric.version
        yield Node(learn, version, recipe, learnt_of(stored, options), recipe)
        yield Node(f"derive {stored.name}", 1, "", (f"encode {stored.base}", learn))
        yield from self._ranked(stored, f"derive {stored.name}")

    def _ranked(self, stored: StoredRepresentation, vectors: str) -> Iterator[Node]:
        chosen = chosen_rankers(self._store.catalogue).get(stored.name)
        if chosen is not None:
            yield Node(f"rank {stored.name}", 1, chosen, (vectors,))

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
