"""The hub: pretrained weight files, from its cache on this machine or fetched."""

from __future__ import annotations

import urllib.error
import urllib.request

_FILES = ("model.safetensors", "pytorch_model.bin")
_SECONDS = 5.0


def weight_file(repository: str, file: str | None) -> str:
    """Return the path on this machine of a weight file of the hub, fetched if it is not in the cache.

    The hub must answer within seconds, because its client tries again and again without a network.

    Parameters
    ----------
    repository : ``owner/name``.
    file : in the repository; None for the names that the hub uses by default.

    Raises
    ------
    FileNotFoundError : the repository has no such file.
    OSError : the hub does not answer.
    """
    import huggingface_hub as hub

    names = (file,) if file else _FILES
    for name in names:
        cached = hub.try_to_load_from_cache(repository, name)
        if isinstance(cached, str):  # else None, or a mark that the hub is known to have no such file
            return cached
    _require_answer(hub.constants.ENDPOINT)
    for name in names:
        try:
            return str(hub.hf_hub_download(repository, name))
        except hub.errors.EntryNotFoundError:
            continue
    raise FileNotFoundError(f"{repository} has no {' and no '.join(names)}")


def _require_answer(address: str) -> None:
    """Raise OSError if an address gives no answer at all; an HTTP error is an answer."""
    request = urllib.request.Request(address, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=_SECONDS).close()
    except urllib.error.HTTPError as answer:
        answer.close()
