"""Checkpoints: all that a training needs to go on, in one file that is complete or not there. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from retrieval.errors import SettingError
from retrieval.rankers.atomic_write import write_atomically

from ..networks import weight_files

FORMAT = "semblance-checkpoint-1"


@dataclass(frozen=True)
class Checkpoint:
    """Hold named tensors, and state as JSON.

    Parameters
    ----------
    tensors : weights, the best ones, and the optimiser's state.
    state : what JSON can hold: the history, the number of the best epoch, the least spread allowed.
    fingerprint : of the data and settings; a checkpoint of others is refused.
    """

    tensors: Mapping[str, Tensor]
    state: Mapping[str, Any]
    fingerprint: str

    def write(self, path: Path) -> None:
        """Replace the file at once: a kill at any instant leaves the old one or the new one."""
        metadata = {"format": FORMAT, "facts": json.dumps(self.state), "fingerprint": self.fingerprint}
        kept = {name: tensor.detach().cpu().contiguous() for name, tensor in self.tensors.items()}
        write_atomically(save(kept, metadata=metadata), path)

    @classmethod
    def read(cls, path: Path, fingerprint: str) -> Checkpoint:
        """Return the checkpoint of a file.

        Raises
        ------
        SettingError : no checkpoint, a damaged one, or one of other data or settings.
        """
        # The header is read first, so that a foreign file is named as such rather than as damaged.
        data = weight_files.read(path)
        metadata = weight_files.header(data, str(path))
        if metadata.get("format") != FORMAT:
            raise SettingError(f"{path}: no checkpoint of this version; remove it to begin anew")
        if metadata.get("fingerprint") != fingerprint:
            raise SettingError(
                f"{path}: belongs to other images, labels, settings or start weights; give those of the "
                "interrupted run, or remove the file to begin anew"
            )
        try:
            return cls(load(data), json.loads(metadata["facts"]), fingerprint)
        except (SafetensorError, KeyError, ValueError) as error:
            raise SettingError(f"{path}: damaged; remove it to begin anew") from error


def part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with ``name/``, without that beginning."""
    return {key.removeprefix(f"{name}/"): t for key, t in tensors.items() if key.startswith(f"{name}/")}


def named(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors with ``name/`` before their names."""
    return {f"{name}/{key}": tensor for key, tensor in tensors.items()}
