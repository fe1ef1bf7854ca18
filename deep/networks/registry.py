"""The networks by name: the project's own, or one of timm's, from a weight file's bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrieval.errors import SettingError

from ..settings import TIMM, DeepSettings
from . import weight_files

if TYPE_CHECKING:
    from .inference import Runner


def require_torch() -> None:
    """Import what networks need. Raise SettingError if it is not installed."""
    try:
        import safetensors  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise SettingError(
            f"deep embeddings need torch and safetensors ({error}); run `pip install 'semblance[deep]'`"
        ) from error


def fetch(chosen: DeepSettings, source: str | None) -> bytes:
    """Return the weight file of a network that opens; see ``DeepEmbedding``.

    Raises
    ------
    SettingError : no such file or network, a damaged file, or one of another network; no torch.
    """
    require_torch()
    if chosen.model.startswith(TIMM):
        from . import timm

        return timm.fetch(chosen, source)
    if source is None:
        raise SettingError("weights: only their hash is known; give the file itself with --weights FILE")
    data = weight_files.read(source)
    if weight_files.fingerprint(data) != chosen.weights:
        raise SettingError(f"weights: {source}: changed meanwhile; run the same command again")
    open_network(chosen, data)  # refuse a damaged file now, before it is stored in an index
    return data


def open_network(chosen: DeepSettings, data: bytes) -> Runner:
    """Return a network, ready to run, from the bytes of its weight file."""
    require_torch()
    from .inference import OwnNetwork, Runner, use_threads

    use_threads()  # torch counts all cores, also those that this process may not use
    if chosen.model.startswith(TIMM):
        from . import timm

        return Runner(timm.open_network(chosen, data), chosen.precision)
    from . import weights

    return Runner(OwnNetwork(weights.parse(data, chosen.weights), chosen.projected), chosen.precision)
