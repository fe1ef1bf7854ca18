"""A file that is let go of while another one, or the same, is opened: garbage is collected at any moment."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from retrieval.index.catalogue.shared_file import SharedFile


@pytest.mark.parametrize("is_same", [False, True])
def test_a_file_is_released_while_one_is_opened(
    is_same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [tmp_path / "first", tmp_path / "second"]
    for place in places:
        place.write_bytes(place.name.encode())
    waiting, found = [SharedFile.of(places[0])], []
    stat = Path.stat

    def interrupted(path: Path, **options: bool) -> os.stat_result:
        status = stat(path, **options)
        if waiting and path in places:
            waiting.pop().release()
        return status

    monkeypatch.setattr(Path, "stat", interrupted)
    opening = threading.Thread(
        target=lambda: found.append(SharedFile.of(places[0 if is_same else 1])), daemon=True
    )
    opening.start()
    opening.join(20)
    assert found, "it waits for itself"
    (own,) = found
    assert not waiting
    assert b"".join(own.chunks()) == (b"first" if is_same else b"second")
    own.release()
    with pytest.raises(OSError):
        own.page(0, 1)


def test_it_is_closed_by_its_last_user(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    first, second = SharedFile.of(tmp_path / "file"), SharedFile.of(tmp_path / "file")
    assert first is second
    first.release()
    assert second.page(1, 2) == b"34" and second.n_bytes == 5
    second.release()
    with pytest.raises(OSError):
        os.fstat(second._descriptor)
