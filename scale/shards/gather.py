"""Gathering: what shards keep of some images, each shard asked once, in the order of the images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.ranker import Ids

from .fleet import Fleet
from .messages import Message

T = TypeVar("T")


def gathered(
    fleet: Fleet,
    about: Mapping[str, str],
    positions: Ids,
    owners: NDArray[np.uint16],
    ids: Ids,
    parts_of: Callable[[Message], list[T]],
) -> list[T]:
    """Return what the shards keep of images, by position.

    Parameters
    ----------
    about : the question.
    owners, ids : of each position: its shard, and the number of the image.
    parts_of : reads the parts of an answer, one for each image that was asked for.

    Raises ShardAwayError if a shard is away.
    """
    own = owners[positions]
    asked = {
        number: Message(about, {"ids": ids[positions[own == number]]}) for number in np.unique(own).tolist()
    }
    found: dict[int, T] = {}
    for number, answer in fleet.ask(asked).items():
        places = np.flatnonzero(own == number).tolist()
        found.update(zip(places, parts_of(answer), strict=True))
    return [found[place] for place in range(len(positions))]
