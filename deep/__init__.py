"""Deep embeddings: a compact network that comes with its weights, others by name, and metric learning."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from retrieval.registry import refuse_unknown

if TYPE_CHECKING:
    from .representation import DeepEmbedding


def deep(**settings: Any) -> DeepEmbedding:
    """Make a deep embedding; keywords are those of ``DeepSettings``.

    The weights may be named by their file or, if they will be restored, by their hash. Loads no network.

    Raises
    ------
    SettingError : a setting that is unknown or out of range, or a weight file that is not there or damaged.
    """
    from .networks import weight_files
    from .representation import DeepEmbedding
    from .settings import TIMM, DeepSettings

    refuse_unknown("deep", settings, {f.name for f in fields(DeepSettings)})
    given: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in settings.items()}
    is_timm = str(given.get("model", "")).startswith(TIMM)
    if is_timm:
        given.setdefault("cells", 0)  # window embeddings are pooled as the project's own network pools
        given.setdefault("projected", True)
    source = str(given.get("weights") or ("hub" if is_timm else weight_files.BUNDLED))
    # A hash comes from an index, which holds the file; the hub's file is read when the network is loaded.
    if source.startswith(weight_files.PREFIX) or (is_timm and source == "hub"):
        return DeepEmbedding(DeepSettings(**{**given, "weights": source}))
    data = weight_files.read(source)
    # Training by labels shapes the projection; that of the bundled weights was learnt from other networks.
    given.setdefault("projected", source != weight_files.BUNDLED)
    if not is_timm and given.get("side") is None:
        given["side"] = weight_files.side(data, source)
    return DeepEmbedding(DeepSettings(**{**given, "weights": weight_files.fingerprint(data)}), source)
