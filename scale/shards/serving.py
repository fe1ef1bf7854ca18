"""A shard answers its head: rankings, vectors, evidence and thumbnails of its own images, by their numbers.

Numbers of images are those of the index that was split, the same in the head and in its shards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from retrieval.index import Index
from retrieval.index.catalogue.split_marks import SHARD, mark_of
from retrieval.index.storage.snapshot import Snapshot
from retrieval.representation import Vector

from .messages import PROTOCOL, Message, MessageError, many_vector_arrays, ragged_arrays, vector_of


def is_shard(index: Index, message: Message) -> bool:
    """Tell whether an index is the shard that a message is for."""
    mark = index.ask(lambda snapshot: mark_of(snapshot.catalogue, SHARD))
    return mark is not None and (mark["split"], mark["number"]) == (
        message.text("split"),
        message.number("number"),
    )


def answer(index: Index, message: Message) -> Message:
    """Answer a message.

    Raises
    ------
    MessageError : it makes no sense, is of another version, or means another shard, or this one as it was.
    """
    if message.number("protocol") != PROTOCOL:
        raise MessageError(
            f"protocol {message.number('protocol')} is asked for, and this Semblance speaks {PROTOCOL}; "
            "install the same version everywhere"
        )
    question = QUESTIONS.get(message.text("ask"))
    if question is None:
        raise MessageError(f"no question is called {message.text('ask')!r}")
    if not is_shard(index, message):
        raise MessageError("is not the shard that is asked; compare shards.toml with what is served")

    # Inside the question: the snapshot that is checked is the one that answers.
    def ask(snapshot: Snapshot) -> Message:
        if snapshot.generation != message.number("commit"):
            raise MessageError("the shard has changed since it was made; split the index again")
        return question(snapshot, message)

    return index.ask(ask)


def _rank(snapshot: Snapshot, message: Message) -> Message:
    """The best k images by one representation: numbers, and scores."""
    among: NDArray[np.bool_] | None = None
    if "among" in message.arrays:
        bits = np.unpackbits(message.array("among"))
        # By position in the order of names, which is that of the head as well.
        if not len(snapshot) <= len(bits) < len(snapshot) + 8:
            raise MessageError("a message has conditions of another number of images")
        among = bits[: len(snapshot)].astype(bool)
    found = snapshot.ranker(message.text("by")).rank(vector_of(message), message.number("k"), among)
    return Message({}, {"ids": snapshot.ids[found.ids], "scores": found.scores})


def _ids(snapshot: Snapshot, message: Message) -> Message:
    """The numbers of the images that a representation has encoded."""
    return Message({}, {"ids": snapshot.ids[snapshot.ranker(message.text("by")).ids()]})


def _vectors(snapshot: Snapshot, message: Message) -> Message:
    """The vectors of some images; none of one that is not encoded."""
    ranker = snapshot.ranker(message.text("by"))

    def vector(position: int) -> Vector | None:
        try:
            found: Vector = ranker.vector(position)
        except KeyError:
            return None
        return found

    return Message({}, many_vector_arrays([vector(at) for at in _positions(snapshot, message)]))


def _evidence(snapshot: Snapshot, message: Message) -> Message:
    """The local evidence of some images."""
    by = message.text("by")
    return Message({}, ragged_arrays([snapshot.evidence(by, at) for at in _positions(snapshot, message)]))


def _thumbnails(snapshot: Snapshot, message: Message) -> Message:
    """The thumbnails of some images."""
    found = [np.frombuffer(snapshot.thumbnail(at), np.uint8) for at in _positions(snapshot, message)]
    return Message({}, ragged_arrays(found))


QUESTIONS: Mapping[str, Callable[[Snapshot, Message], Message]] = {
    "rank": _rank,
    "ids": _ids,
    "vectors": _vectors,
    "evidence": _evidence,
    "thumbnails": _thumbnails,
}


def _positions(snapshot: Snapshot, message: Message) -> list[int]:
    """Return the positions of the images whose numbers a message gives."""
    wanted = np.asarray(message.array("ids"), dtype=np.int64)
    # Numbers are given in the order of indexing, positions in that of names.
    order = np.argsort(snapshot.ids)
    places = np.minimum(np.searchsorted(snapshot.ids, wanted, sorter=order), len(order) - 1)
    if not len(wanted) or not len(order) or (snapshot.ids[order[places]] != wanted).any():
        raise MessageError("a message asks for an image that is not here")
    return [int(at) for at in order[places]]
