"""Messages between a head and its shards: a JSON object and named arrays, in the form of an ``.npz`` file.

Nothing is unpickled, and nothing is packed, so that no message grows when it is read.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import SemblanceError
from retrieval.rankers.array_files import HEADERS
from retrieval.representation import SparseVector, Vector

PROTOCOL = 2
"""Rises when a message comes to mean something else; head and shards must agree."""

_ABOUT = "about"
Ragged = Sequence[NDArray[Any] | None]


class MessageError(SemblanceError):
    """What came is no message."""


@dataclass(frozen=True)
class Message:
    """What one side says to the other.

    Parameters
    ----------
    about : numbers and texts.
    arrays : by name, without Python objects.
    """

    about: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def pack(self) -> bytes:
        """Return the message as bytes."""
        text = np.frombuffer(json.dumps(dict(self.about)).encode(), np.uint8)
        out = io.BytesIO()
        np.savez(out, allow_pickle=False, **{_ABOUT: text}, **self.arrays)
        return out.getvalue()

    @classmethod
    def unpack(cls, body: bytes) -> Message:
        """Read a message. Raise MessageError if it is none."""
        try:
            with zipfile.ZipFile(io.BytesIO(body)) as file:
                # A packed entry could be a thousand times as large as the body that was let through.
                if any(entry.compress_type != zipfile.ZIP_STORED for entry in file.infolist()):
                    raise MessageError("a message is packed, and none of ours is")
            with HEADERS, np.load(io.BytesIO(body), allow_pickle=False) as found:
                arrays = {name: found[name] for name in found.files}
            about = json.loads(arrays.pop(_ABOUT).tobytes())
        except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, SyntaxError) as error:
            raise MessageError(f"a message cannot be read ({type(error).__name__})") from error
        if not isinstance(about, dict):
            raise MessageError("a message says nothing of itself")
        return cls(about, arrays)

    def array(self, name: str) -> NDArray[Any]:
        """Return an array. Raise MessageError if there is none of that name."""
        if name not in self.arrays:
            raise MessageError(f"a message lacks {name}")
        return self.arrays[name]

    def text(self, name: str) -> str:
        """Return a text. Raise MessageError if there is none of that name."""
        found = self.about.get(name)
        if not isinstance(found, str):
            raise MessageError(f"a message lacks {name}")
        return found

    def number(self, name: str) -> int:
        """Return a whole number. Raise MessageError if there is none of that name."""
        found = self.about.get(name)
        if not isinstance(found, int):
            raise MessageError(f"a message lacks {name}")
        return found


def vector_arrays(vector: Vector, name: str = "vector") -> dict[str, NDArray[Any]]:
    """Return the arrays that stand for a vector, sparse or dense, in a message."""
    if not isinstance(vector, SparseVector):
        return {name: np.asarray(vector, dtype=np.float32)}
    size = np.array([vector.size], dtype=np.int64)
    return {f"{name}_indices": vector.indices, f"{name}_values": vector.values, f"{name}_size": size}


def vector_of(message: Message, name: str = "vector") -> Vector:
    """Return the vector that ``vector_arrays`` put into a message."""
    if name in message.arrays:
        return np.asarray(message.arrays[name], dtype=np.float32)
    indices, values, size = (message.array(f"{name}_{part}") for part in ("indices", "values", "size"))
    return SparseVector(np.asarray(indices, np.uint32), np.asarray(values, np.float32), int(size[0]))


def many_vector_arrays(vectors: Sequence[Vector | None]) -> dict[str, NDArray[Any]]:
    """Return the arrays that stand for several vectors, all sparse or all dense; None for one that is not."""
    there = [one for one in vectors if one is not None]
    if not there or not isinstance(there[0], SparseVector):
        dense = [None if one is None else np.asarray(one, dtype=np.float32) for one in vectors]
        return ragged_arrays(dense, "dense")
    sparse = [one if isinstance(one, SparseVector) else None for one in vectors]
    return {
        "size": np.array([there[0].size], dtype=np.int64),
        **ragged_arrays([None if one is None else one.indices for one in sparse], "indices"),
        **ragged_arrays([None if one is None else one.values for one in sparse], "values"),
    }


def many_vectors_of(message: Message) -> list[Vector | None]:
    """Return the vectors that ``many_vector_arrays`` put into a message."""
    if "size" not in message.arrays:
        rows = ragged_of(message, "dense")
        return [None if one is None else np.asarray(one, dtype=np.float32) for one in rows]
    size = int(message.array("size")[0])
    pairs = zip(ragged_of(message, "indices"), ragged_of(message, "values"), strict=True)
    return [
        None
        if indices is None or values is None
        else SparseVector(np.asarray(indices, np.uint32), np.asarray(values, np.float32), size)
        for indices, values in pairs
    ]


def ragged_arrays(parts: Ragged, name: str = "") -> dict[str, NDArray[Any]]:
    """Return the arrays that stand for several arrays of one dtype; −1 rows for None."""
    # Nothing and no rows are two things: an image without points, and one without evidence.
    there = [part for part in parts if part is not None]
    lengths = [-1 if part is None else len(part) for part in parts]
    rows = np.concatenate(there) if there else np.empty(0, np.uint8)
    return {f"{name}lengths": np.array(lengths, dtype=np.int64), f"{name}rows": rows}


def ragged_of(message: Message, name: str = "") -> list[NDArray[Any] | None]:
    """Return the arrays that ``ragged_arrays`` put into a message."""
    lengths, rows = message.array(f"{name}lengths"), message.array(f"{name}rows")
    ends = np.cumsum(np.maximum(lengths, 0))
    if (ends[-1] if len(ends) else 0) != len(rows):
        raise MessageError("a message lacks rows")
    pairs = zip(lengths.tolist(), ends.tolist(), strict=True)
    return [None if n < 0 else rows[end - n : end] for n, end in pairs]
