"""The address of a Dask scheduler, and whether it may be asked: who reaches one runs code."""

from __future__ import annotations

from urllib.parse import urlsplit

from retrieval.errors import OptionError


def check_address(address: str) -> None:
    """Raise OptionError for an address over which strangers could run code."""
    if not address:
        return
    # Read as a user may write it: a port of letters raises, and is no port.
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if parts.scheme not in ("tls", "tcp") or not host or not port:
        raise OptionError(f"dask:{address} is no address; write dask:tls://HOST:PORT", "on")
    if parts.scheme == "tcp" and host not in ("127.0.0.1", "localhost", "::1"):
        problem = f"dask:{address} is not encrypted, and who changes a message runs code"
        raise OptionError(f"{problem}; write dask:tls://HOST:PORT", "on")
