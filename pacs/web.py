"""Web requests to an archive: credentials, time limits and retries, and what failed in one line."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from retrieval.errors import ArchiveError, GoneError

from .installed import require

if TYPE_CHECKING:
    import requests

T = TypeVar("T")

USER, PASSWORD, TOKEN = "SEMBLANCE_ARCHIVE_USER", "SEMBLANCE_ARCHIVE_PASSWORD", "SEMBLANCE_ARCHIVE_TOKEN"
"""Variables of the environment with the credentials; without them a netrc file is asked."""

_ON_THE_WAY = (ConnectionError, TimeoutError)
"""What the system says of a connection."""
_LOOK = "and look there if it is stored before you send it again"
_PAUSES = (0.5, 2.0)
"""Seconds before each further try of what may go better the next time."""


@dataclass(frozen=True)
class RetryPolicy:
    """How long an archive may take.

    Parameters
    ----------
    connect, read : seconds until it answers at all, and between two pieces of an answer.
    pauses : seconds before each further try of what failed on the way, or with a 5xx.
    """

    connect: float = 10.0
    read: float = 60.0
    pauses: tuple[float, ...] = _PAUSES


class TransientError(ArchiveError):
    """A failure that may go better the next time: no connection, a server that is overloaded."""


class BadRequestError(ArchiveError):
    """The server does not take what it was asked (400)."""


class HttpClient:
    """Ask one web server.

    Parameters
    ----------
    base : the address of its DICOMweb service.
    shown : what messages call the archive.
    policy : how long it may take.
    """

    def __init__(self, base: str, shown: str, policy: RetryPolicy = RetryPolicy()) -> None:
        require("requests", shown)
        import requests

        self.base, self.shown, self._policy = base, shown, policy
        self._session = requests.Session()
        # What the environment says goes before a netrc file, which `requests` asks by itself.
        if token := os.environ.get(TOKEN):
            self._session.auth = _Bearer(token)
        elif user := os.environ.get(USER):
            self._session.auth = (user, os.environ.get(PASSWORD, ""))

    def json(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return the JSON at a path below the base, or at a full address; None for an empty answer (204)."""

        def ask() -> Any:
            headers = {"Accept": "application/dicom+json, application/json;q=0.9"}
            with self.opened("GET", path, params=query, headers=headers) as response:
                if response.status_code == 204 or not response.content:
                    return None
                try:
                    return response.json()
                except ValueError as error:
                    raise ArchiveError(
                        f"{self.shown}: the answer is no JSON; is this the address of its DICOMweb?"
                    ) from error

        return self.retried(ask)

    def retried(self, ask: Callable[[], T]) -> T:
        """Ask again, after a pause, if it failed in a way that may pass."""
        for pause in self._policy.pauses:
            try:
                return ask()
            except TransientError:
                time.sleep(pause)
        return ask()

    @contextmanager
    def opened(self, method: str, path: str, **about: Any) -> Iterator[requests.Response]:
        """Make a request; the answer is read as it is needed, until the end of the context.

        Raises
        ------
        TransientError, GoneError, ArchiveError : by what failed.
        OSError : the caller met it within the context, as on a full disk.
        """
        import requests
        import urllib3

        url = path if "://" in path else f"{self.base}/{path}"
        is_open = False
        # What was sent may be stored all the same, and would be there twice.
        remedy = "the same command goes on" if method == "GET" else _LOOK
        try:
            with self._session.request(
                method, url, stream=True, timeout=(self._policy.connect, self._policy.read), **about
            ) as response:
                self._check(response)
                self._check_way(response, method)
                is_open = True
                yield response
        except (requests.Timeout, urllib3.exceptions.ReadTimeoutError) as error:
            raise TransientError(
                f"{self.shown}: no answer within {self._policy.read:g} s; {remedy}"
            ) from error
        except (requests.TooManyRedirects, requests.exceptions.InvalidSchema) as error:
            raise ArchiveError(
                f"{self.shown}: leads on to elsewhere, and to no answer; is this the address of its DICOMweb?"
            ) from error
        except (requests.ConnectionError, urllib3.exceptions.HTTPError, OSError) as error:
            # Of an answer that is being read, the libraries raise their own errors of the connection.
            if is_open and type(error).__module__ == "builtins" and not isinstance(error, _ON_THE_WAY):
                raise
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                why = re.search("certificate verify failed: ([^(]+)", str(error))
                raise ArchiveError(
                    f"{self.shown}: this machine does not accept its certificate"
                    f"{f' ({why[1].strip()})' if why else ''}; if it is of an authority of your own, name "
                    "the file of that in REQUESTS_CA_BUNDLE"
                ) from error
            raise TransientError(
                f"{self.shown}: the connection failed ({_cause(error)}); see that it runs, {remedy}"
            ) from error

    def _check(self, response: requests.Response) -> None:
        status = response.status_code
        if status < 300:
            return
        if status in (401, 403):
            raise ArchiveError(
                f"{self.shown}: refuses these credentials ({status}); put the right ones into a netrc file "
                f"or into {USER} and {PASSWORD}, or a token into {TOKEN}"
            )
        if status in (404, 410):
            raise GoneError(
                f"{self.shown}: has no such thing ({status}); it was deleted, or the address is wrong"
            )
        # 429: too many requests, RFC 6585 section 4.
        kind = TransientError if status >= 500 or status == 429 else ArchiveError
        kind = BadRequestError if status == 400 else kind
        raise kind(f"{self.shown}: answers {status} {response.reason}; its own log says why")

    def _check_way(self, response: requests.Response, method: str) -> None:
        # A redirect (301, 302, 303) makes a GET of a POST, and its good answer says nothing of what was sent.
        if response.request.method != method:
            led = urlsplit(response.url)
            where = f"{led.scheme}://{led.netloc.rpartition('@')[2]}{led.path.removesuffix('/studies')}"
            raise ArchiveError(
                f"{self.shown}: nothing is stored, as it leads on to {where}; give that address"
            )

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()


class _Bearer:
    """Authenticate by a token; a netrc file is not asked then."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _cause(error: BaseException) -> str:
    """Return the innermost cause that has a sentence of the system, such as ``Connection refused``."""
    # requests wraps urllib3, which wraps the error of the system: only that says something to a user.
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.strerror:
            return found.strerror
        inner = [a for a in found.args if isinstance(a, BaseException)]
        reason = getattr(found, "reason", None)
        found = reason if isinstance(reason, BaseException) else inner[0] if inner else found.__cause__
    return "it was cut"
