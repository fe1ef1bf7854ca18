"""The key file: the secret of the hashes of an index, kept outside of it.

Whoever gets hold of an index alone, or of a copy, cannot test which patients are in it. One key serves all
indexes of a user, so that shards and receivers of one collection agree. ``SEMBLANCE_KEY`` names another file.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from ...errors import IndexFolderError, lack

VARIABLE = "SEMBLANCE_KEY"
"""The variable of the environment that names the key file; ``--key`` sets it for one command."""

_FIRST_LINE = "semblance key 1"
_BYTES = 32


def key_id(secret: bytes) -> str:
    """Return 16 digits that tell keys apart and say nothing of them: they are what an index keeps."""
    return blake2b(secret, digest_size=8, person=b"key id").hexdigest()


def make_key(index: Path) -> bytes:
    """Return the key for a new index: that of the key file, which is made if it is not there.

    Raises IndexFolderError if it cannot be made or read, or would lie in the index.
    """
    path = _given() or _folder() / "key"
    _refuse_inside(path, index)
    if not path.exists():
        _write(path, secrets.token_bytes(_BYTES))
    return _read(path)


def find_key(id: str) -> bytes | None:
    """Return the key of an id; None if it is not at hand.

    Raises IndexFolderError if the file that ``--key`` names holds another one.
    """
    if (given := _given()) is not None:
        found = _read(given)
        if key_id(found) != id:
            raise IndexFolderError(f"{given}: holds another key than this index has ({id}); name that one")
        return found
    path = key_path(id)
    return None if path is None else _read(path)


def key_path(id: str) -> Path | None:
    """Return the file that holds the key of an id; None if none that is looked into does."""
    own = (_folder() / "key", _folder() / "keys" / id)
    for path in own if (given := _given()) is None else (given,):
        with suppress(OSError):
            if path.is_file() and key_id(_read(path)) == id:
                return path
    return None


def keep_key(secret: bytes, index: Path) -> None:
    """Keep a key that an index held until now, in the file that ``--key`` names or beside the user's own.

    Raises IndexFolderError if it cannot be written, or another key is there.
    """
    path = _given() or _folder() / "keys" / key_id(secret)
    _refuse_inside(path, index)
    if not path.exists():
        _write(path, secret)
    if _read(path) != secret:
        raise IndexFolderError(f"{path}: holds another key; name a file that is not there yet")


def _given() -> Path | None:
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def _folder() -> Path:
    """Return the folder of the user's configuration."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path("~/.config").expanduser()) / "semblance"


def _refuse_inside(path: Path, index: Path) -> None:
    if path.resolve().is_relative_to(index.resolve()):
        raise IndexFolderError(f"{path}: is in the index, and would be copied with it; keep it elsewhere")


def _write(path: Path, secret: bytes) -> None:
    """Write a key file of mode 600, whole or not at all; one that is there by now is left as it is."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{_FIRST_LINE}\n{secret.hex()}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link, not a rename: of two processes that make the key at once, one wins and both read it.
            with suppress(FileExistsError):
                os.link(temporary, path)
        finally:
            temporary.unlink()
    except OSError as error:
        raise IndexFolderError(
            f"{path}: the key of the hashes cannot be kept ({error.strerror}); name a place with --key FILE"
        ) from error


def _read(path: Path) -> bytes:
    try:
        lines = path.read_text("ascii").splitlines()
        if len(lines) == 2 and lines[0] == _FIRST_LINE:
            return bytes.fromhex(lines[1])
    except FileNotFoundError as error:
        raise IndexFolderError(f"{path}: {error.strerror}; name the key file of the index") from error
    except OSError as error:
        raise lack(error, path) from error
    except ValueError:
        pass
    raise IndexFolderError(f"{path}: is no key file, or is damaged; restore it from a copy")
