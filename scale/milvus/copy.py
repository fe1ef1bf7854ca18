"""A copy in Milvus: a collection of the numbers of images, their vectors, cells and checksums."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.ranker import Ids
from retrieval.rankers.engine import CellFilter, CopiedRows, EngineError, SilentEngineError

from .address import MilvusAddress, seconds
from .expression import NUMBER, cell_field, expression

_VECTOR, _SUM = "vector", "sum"
_BATCH = 1000
"""Rows in one message: Milvus takes 64 MB at most."""
_PATIENCE = 120.0
"""Seconds that writing may take, a message."""
_LONGEST = 200
_CHANNEL = {
    # Else all channels of a process wait together, for minutes, after a server was not there.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_reconnect_backoff_ms": 1000,
    # Servers take more frequent signs of life than one in five minutes for an attack.
    "grpc.keepalive_time_ms": 300_000,
    "grpc.keepalive_permit_without_calls": False,
}


class MilvusCopy:
    """One collection of a server.

    Parameters
    ----------
    address : of the server.
    name : of the collection.
    patient : wait longer than a question may take, for writing.
    """

    def __init__(self, address: MilvusAddress, name: str, *, patient: bool = False) -> None:
        # Its library of messages and itself log each failure, with a trace of calls, where we say one line.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        from pymilvus import MilvusClient

        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        self.shown, self._name = address.shown, name
        self._is_loaded = False
        self._seconds = _PATIENCE if patient else seconds()
        with self._asking():
            self._client = MilvusClient(
                uri=address.uri,
                token=address.token(),
                timeout=self._seconds,
                dedicated=True,
                grpc_options=_CHANNEL,
            )

    def create(self, dimension: int, metric: str, n_cells: int) -> None:
        """Make the collection, empty, with an HNSW graph."""
        from pymilvus import DataType

        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(NUMBER, DataType.INT64, is_primary=True)
        schema.add_field(_VECTOR, DataType.FLOAT_VECTOR, dim=dimension)
        # A field for each column: engines filter numbers by whole columns, and lists row by row.
        for column in range(n_cells):
            schema.add_field(cell_field(column), DataType.INT64)
        schema.add_field(_SUM, DataType.INT64)
        graph = self._client.prepare_index_params()
        graph.add_index(
            _VECTOR,
            index_type="HNSW",
            metric_type="COSINE" if metric == "cosine" else "IP",
            params={"M": 16, "efConstruction": 200},
        )
        self.drop()
        with self._asking():
            # Strong: what was written is found, whoever asks, from the moment that writing returns.
            self._client.create_collection(
                self._name, schema=schema, index_params=graph, consistency_level="Strong"
            )

    def put(self, rows: CopiedRows) -> None:
        """Write rows, a thousand in a message."""
        for first in range(0, len(rows.numbers), _BATCH):
            numbers, vectors, cells, sums = (part[first : first + _BATCH] for part in rows)
            names = [cell_field(column) for column in range(cells.shape[1])]
            data = [
                {NUMBER: number, _VECTOR: vector, _SUM: total, **dict(zip(names, own, strict=True))}
                for number, vector, own, total in zip(
                    numbers.tolist(), vectors, cells.tolist(), sums.tolist(), strict=True
                )
            ]
            with self._asking():
                self._client.insert(self._name, data, timeout=self._seconds)

    def delete(self, numbers: Ids) -> None:
        """Delete rows, a thousand in a message."""
        for first in range(0, len(numbers), _BATCH):
            with self._asking():
                own = numbers[first : first + _BATCH].tolist()
                self._client.delete(self._name, ids=own, timeout=self._seconds)

    def settle(self) -> None:
        """Flush, and load what the graph is made of."""
        with self._asking():
            self._client.flush(self._name, timeout=self._seconds)
            self._client.load_collection(self._name, timeout=self._seconds)

    def sums(self) -> tuple[Ids, NDArray[np.int64]] | None:
        """Return the numbers that are there, rising, and their checksums; None if there is no collection."""
        with self._asking():
            if not self._client.has_collection(self._name, timeout=self._seconds):
                return None
        pages = [(_numbers(page, NUMBER), _numbers(page, _SUM)) for page in self._pages([NUMBER, _SUM])]
        numbers = np.concatenate([np.empty(0, np.int64), *(page[0] for page in pages)])
        # Pages come in the order of the server's parts, not of numbers.
        order = np.argsort(numbers)
        sums = np.concatenate([np.empty(0, np.int64), *(page[1] for page in pages)])
        return numbers[order], sums[order]

    def rows(self) -> Iterator[CopiedRows]:
        """Yield all rows, a thousand at a time."""
        with self._asking():
            fields = self._client.describe_collection(self._name, timeout=self._seconds)["fields"]
        names = [cell_field(column) for column in range(len(fields) - 3)]
        for page in self._pages([NUMBER, _VECTOR, _SUM, *names]):
            vectors = np.array([row[_VECTOR] for row in page], dtype=np.float32)
            cells = np.array([[int(row[name]) for name in names] for row in page], dtype=np.int64)
            own = cells.reshape(len(page), len(names))
            yield CopiedRows(_numbers(page, NUMBER), vectors, own, _numbers(page, _SUM))

    def _pages(self, fields: list[str]) -> Iterator[list[Any]]:
        self._load()
        with self._asking():
            pages = self._client.query_iterator(
                self._name, batch_size=_BATCH, filter="", output_fields=fields, timeout=self._seconds
            )
        while True:
            with self._asking():
                page = pages.next()
            if not page:
                break
            yield page
        pages.close()

    def _load(self) -> None:
        """Let the server load the collection, once a connection; it does nothing if that is loaded."""
        if not self._is_loaded:
            with self._asking():
                self._client.load_collection(self._name, timeout=self._seconds)
            self._is_loaded = True

    def find(self, views: NDArray[np.float32], depth: int, condition: CellFilter | None) -> Ids:
        """Return the numbers near each view of a query, each once."""
        self._load()
        with self._asking():
            found = self._client.search(
                self._name,
                data=list(np.asarray(views, np.float32)),
                limit=depth,
                filter="" if condition is None else expression(condition),
                output_fields=[NUMBER],
                # The graph is walked deeper than it is asked for: recall matters more here than speed.
                search_params={"params": {"ef": max(256, 2 * depth)}},
                timeout=self._seconds,
            )
            return np.unique(np.array([int(hit[NUMBER]) for hits in found for hit in hits], np.int64))

    def drop(self) -> None:
        """Delete the collection, if it is there."""
        with self._asking():
            self._client.drop_collection(self._name, timeout=self._seconds)

    def close(self) -> None:
        """Let go of the connection."""
        with self._asking():
            self._client.close()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn whatever goes wrong into EngineError, one line."""
        import grpc
        from pymilvus.exceptions import MilvusException

        try:
            yield
        except (
            MilvusException,
            grpc.FutureTimeoutError,
            grpc.RpcError,
            OSError,
            ValueError,
            KeyError,
            TypeError,
        ) as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> EngineError:
        # Classes and codes of pymilvus say less than its texts: most failures are one class.
        text = " ".join(str(getattr(error, "message", "") or error or "timeout").split())
        if any(word in text.lower() for word in ("deadline", "timeout", "timed out")):
            return SilentEngineError(f"{self.shown}: no answer within {self._seconds:g} s")
        if "Fail connecting" in text or "UNAVAILABLE" in text:
            return EngineError(f"{self.shown}: no server answers there")
        return EngineError(f"{self.shown}: {text[:_LONGEST]}")


def _numbers(page: list[Any], field: str) -> NDArray[np.int64]:
    return np.array([int(row[field]) for row in page], dtype=np.int64)
