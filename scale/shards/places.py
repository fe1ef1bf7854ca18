"""Places: where a copy of a shard is asked, a folder of this machine or a server on another."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from retrieval.errors import IndexFolderError, LackError
from retrieval.index import Index

from .messages import Message, MessageError
from .serving import answer

PATH = "/shard"
"""Where a server takes messages."""


class AwayError(Exception):
    """A copy of a shard does not answer; the text says why."""


class Place(Protocol):
    """Where a copy of a shard is."""

    name: str

    def ask(self, message: Message, timeout: float) -> Message:
        """Put a message and return the answer.

        Raises
        ------
        AwayError : nobody answers within ``timeout`` seconds.
        IndexFolderError : what answers is not the shard, or refuses.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class FolderPlace:
    """A shard in a folder of this machine, opened when it is first asked."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder
        self._index: Index | None = None
        self._turn = threading.Lock()
        self._n_asking, self._is_closed = 0, False

    def ask(self, message: Message, timeout: float) -> Message:
        """Answer a message from the folder; see ``Place``."""
        self._require_folder()
        # As bytes, like any other place, so that what the tests of folders prove holds for servers.
        asked = Message.unpack(message.pack())
        with self._turn:
            if self._is_closed:
                raise AwayError("is closed")
            if self._index is None:
                self._index = self._opened()
            index = self._index
            self._n_asking += 1
        try:
            return Message.unpack(answer(index, asked).pack())
        except LackError as error:
            raise AwayError(str(error)) from error
        except (IndexFolderError, MessageError) as error:
            self._require_folder()  # it may have gone since it was looked for
            raise IndexFolderError(f"{self.name}: {error}") from error
        finally:
            with self._turn:
                self._n_asking -= 1
                self._close_if_idle()

    def close(self) -> None:
        """Close the index, when it has answered what it is asked now."""
        with self._turn:
            self._is_closed = True
            self._close_if_idle()

    def _opened(self) -> Index:
        try:
            return Index.open(self._folder)
        except IndexFolderError:
            self._require_folder()
            raise

    def _require_folder(self) -> None:
        # A disc that was unmounted, and a folder that was moved; whatever else is wrong is said.
        if not self._folder.is_dir():
            raise AwayError("no such folder")

    def _close_if_idle(self) -> None:
        # A slow copy goes on in its thread after another has answered; SQLite crashes whoever reads from
        # what another thread has closed.
        if self._is_closed and not self._n_asking and self._index is not None:
            self._index.close()
            self._index = None


class ServerPlace:
    """A shard that ``semblance serve`` answers for, at an address ``http://host:port``."""

    def __init__(self, address: str, token: str) -> None:
        parts = _parts(address)
        if parts is None:
            # Without a password, which would be read by whoever sees the message.
            shown = address.rpartition("@")[2]
            raise IndexFolderError(f"{shown}: is no address; write http://host:port, or a folder")
        self.name = f"{parts.scheme}://{parts.netloc}"
        self._is_safe, self._netloc = parts.scheme == "https", parts.netloc
        self._headers = {"Content-Type": "application/octet-stream"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def ask(self, message: Message, timeout: float) -> Message:
        """Send a message to the server; see ``Place``."""
        # Not above: an index on this machine, whose queries pass here too, needs no network.
        import http.client

        kind = http.client.HTTPSConnection if self._is_safe else http.client.HTTPConnection
        # A connection for each message: threads share none, and one that hangs harms no other.
        connection = kind(self._netloc, timeout=timeout)
        try:
            connection.request("POST", PATH, message.pack(), self._headers)
            response = connection.getresponse()
            body = response.read()
        except TimeoutError as error:
            raise AwayError(f"no answer within {timeout:g} s") from error
        # Of a host such as a..b no name can be asked for, which Python calls an error of its letters.
        except (OSError, UnicodeError, http.client.HTTPException) as error:
            raise AwayError(str(error) or type(error).__name__) from error
        finally:
            connection.close()
        # A server that fails may be mended; one that refuses must not pass for that, or nobody would notice.
        if response.status >= 500:
            raise AwayError(_reason(body, response.status))
        if response.status != 200:
            raise IndexFolderError(f"{self.name}: {_reason(body, response.status)}")
        try:
            return Message.unpack(body)
        except MessageError as error:  # cut short, or not our server: nothing of it is an answer
            raise AwayError(str(error)) from error

    def close(self) -> None:
        """Do nothing."""


def place(at: str, beside: Path, token: str) -> Place:
    """Return the place that a plan names: an address, or a folder seen from that of the plan."""
    return ServerPlace(at, token) if "://" in at else FolderPlace(beside / at)


def _parts(address: str) -> SplitResult | None:
    """Return the parts of an address; None if it is none that a server can have."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port  # refuses what is no number of a port
    except ValueError:
        return None
    is_host = host.isprintable() and len(host.split()) == 1
    return parts if is_host and parts.scheme in ("http", "https") and "@" not in parts.netloc else None


def _reason(body: bytes, status: int) -> str:
    said: object = None
    with suppress(ValueError):
        said = json.loads(body)
    if isinstance(said, Mapping) and isinstance(said.get("message"), str):
        return str(said["message"])
    return f"is no server of shards (status {status}); is it `semblance serve` of this version?"
