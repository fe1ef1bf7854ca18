"""The networks by name: the project's own, or one of timm's, from a weight file's bytes."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from retrieval.errors import SettingError

from ..settings import TIMM, DeepSettings
from . import weight_files
from .hardware import quickens_torch

if TYPE_CHECKING:
    from .runner import Runner


def require_torch() -> None:
    """Import what networks of torch need. Raise SettingError if it is not installed."""
    try:
        import safetensors  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise SettingError(
            f"this network needs torch and safetensors ({error}); run `pip install 'semblance[deep]'`"
        ) from error


def has_torch() -> bool:
    """Return whether what networks of torch need is installed; it is not imported."""
    return all(find_spec(name) is not None for name in ("torch", "safetensors"))


def fetch(chosen: DeepSettings, source: str | None) -> bytes:
    """Return the weight file of a network that opens; see ``DeepEmbedding``.

    Raises
    ------
    SettingError : no such file or network, a damaged file, or one of another network; no torch, where that is
        needed.
    """
    if chosen.model.startswith(TIMM):
        require_torch()
        from . import timm

        return timm.fetch(chosen, source)
    if source is None:
        # An index that has learnt nothing yet, such as one of an empty folder, knows its settings alone.
        source = weight_files.BUNDLED
        if weight_files.fingerprint(weight_files.read(source)) != chosen.weights:
            raise SettingError(
                "weights: only the hash of other weights than this version's is known; take these with "
                "--by deep --weights bundled, or give the file itself with --weights FILE"
            )
    data = weight_files.read(source)
    if weight_files.fingerprint(data) != chosen.weights:
        raise SettingError(f"weights: {source}: changed meanwhile; run the same command again")
    open_network(chosen, data)  # refuse a damaged file now, before it is stored in an index
    return data


def open_network(chosen: DeepSettings, data: bytes) -> Runner:
    """Return a network, ready to run on many images, from the bytes of its weight file."""
    if not needs_torch(chosen):
        return _by_numpy(chosen, data)
    require_torch()
    from .inference import OwnNetwork, TorchRunner, use_threads

    use_threads()  # torch counts all cores, also those that this process may not use
    if chosen.model.startswith(TIMM):
        from . import timm

        return TorchRunner(timm.open_network(chosen, data), chosen.precision)
    from . import weights

    return TorchRunner(OwnNetwork(weights.parse(data, chosen.weights), chosen.projected), chosen.precision)


def open_for_queries(chosen: DeepSettings, data: bytes) -> Runner | None:
    """Return a network for single images that is ready before torch would be imported; None if none is."""
    return None if only_by_torch(chosen) else _by_numpy(chosen, data)


def needs_torch(chosen: DeepSettings) -> bool:
    """Return whether torch embeds many images: nothing else can, or it is quicker here."""
    return only_by_torch(chosen) or (has_torch() and quickens_torch(chosen.precision))


def only_by_torch(chosen: DeepSettings) -> bool:
    """Return whether a network is run by torch wherever it runs, which takes seconds to import."""
    return chosen.model.startswith(TIMM) or chosen.precision == "bfloat16"


class Computed:
    """How the network of some settings is computed: when it is asked, and when images are indexed."""

    chosen: DeepSettings

    @property
    def needs_network(self) -> bool:
        """Whether queries wait for torch."""
        return only_by_torch(self.chosen)

    @property
    def in_batches(self) -> bool:
        """Whether images are indexed by torch."""
        return needs_torch(self.chosen)


def _by_numpy(chosen: DeepSettings, data: bytes) -> Runner:
    from .numpy_network import NumpyNetwork

    return NumpyNetwork(data, chosen.weights, chosen.projected)
