"""The address of a Milvus server, and who asks it: never in the address, which an index keeps."""

from __future__ import annotations

import netrc
import os
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from retrieval.errors import SettingError
from retrieval.rankers.engine import EngineError

TOKEN = "SEMBLANCE_MILVUS_TOKEN"
"""The variable of the environment with the token, or ``user:password``; else a netrc file is asked."""
SECONDS = "SEMBLANCE_ENGINE_SECONDS"
"""The variable with the seconds that a question may take."""

_USUAL = 3.0


@dataclass(frozen=True)
class MilvusAddress:
    """Where a server is, ``http://host:19530`` or ``https://host:443/database``."""

    uri: str
    host: str

    @classmethod
    def parse(cls, place: str) -> MilvusAddress:
        """Read an address. Raise SettingError for none, or one that holds a password."""
        try:
            parts = urlsplit(place)
            host = parts.hostname or ""
            _ = parts.port  # refuses what is no number
        except ValueError as error:
            raise SettingError(f"milvus:{place}: {error}; write milvus:http://HOST:19530") from error
        # Said without the address itself: the message may go into a log.
        if parts.username is not None or parts.password is not None:
            raise SettingError(
                f"milvus:{parts.scheme}://{host}: the address holds a user or a password, which others can "
                f"read; keep them in a netrc file or in {TOKEN}"
            )
        if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
            raise SettingError(f"milvus:{place}: is no address of a server; write milvus:http://HOST:19530")
        return cls(place.rstrip("/"), host)

    @property
    def shown(self) -> str:
        """What messages call it."""
        return f"milvus:{self.uri}"

    def token(self) -> str:
        """Return the token; empty if there is none. EngineError if others could read it on its way."""
        token = os.environ.get(TOKEN) or _from_netrc(self.host)
        if token and self.uri.startswith("http://") and not _is_loopback(self.host):
            raise EngineError(
                f"{self.shown}: the token would go over the network for all to read; use https://"
            )
        return token


def seconds() -> float:
    """Return how long a question may take. Raise SettingError if the environment says no number above 0."""
    text = os.environ.get(SECONDS, str(_USUAL))
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise SettingError(f"{SECONDS}: {text!r} is no number of seconds above 0")
    return found


def _from_netrc(host: str) -> str:
    # A file that is missing or broken is no credentials; the server will say that it wants some.
    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return ""
    return "" if found is None else f"{found[0]}:{found[2]}" if found[0] else str(found[2])


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
