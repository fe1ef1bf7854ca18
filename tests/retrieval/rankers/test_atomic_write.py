"""Facts about files that are written beside their place and renamed."""

import os
import threading

import pytest

from retrieval.errors import SemblanceError
from retrieval.rankers.atomic_write import replacing, write_atomically


def test_a_file_is_made_or_replaced_and_nothing_is_left_beside_it(tmp_path):
    for content in (b"first", b"second"):
        write_atomically(content, tmp_path / "a.bin")
        assert (tmp_path / "a.bin").read_bytes() == content
        assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_an_error_in_the_block_leaves_the_file_as_it_was(tmp_path):
    write_atomically(b"before", tmp_path / "a.bin")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.bin") as beside:
        beside.write_bytes(b"half")
        raise ZeroDivisionError
    assert (tmp_path / "a.bin").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_the_file_is_not_there_before_the_block_ends(tmp_path):
    with replacing(tmp_path / "a.bin") as beside:
        beside.write_bytes(b"whole")
        assert not (tmp_path / "a.bin").exists()
    assert (tmp_path / "a.bin").read_bytes() == b"whole"


@pytest.mark.parametrize("name", ["no-such-folder/a.bin", "folder"])
def test_what_cannot_be_written_is_an_error_with_a_remedy(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(SemblanceError, match=r"cannot be written .*name another place, or make room there"):
        write_atomically(b"x", tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_name_of_the_greatest_length_can_be_written(tmp_path):
    write_atomically(b"x", tmp_path / ("n" * 255))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_link_goes_on_leading_where_it_led(tmp_path):
    (tmp_path / "real").mkdir()
    for name in ("there.bin", "new.bin"):
        (tmp_path / name).symlink_to(tmp_path / "real" / name)
    (tmp_path / "real" / "there.bin").write_bytes(b"before")
    for name in ("there.bin", "new.bin"):
        write_atomically(b"after", tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "real" / name).read_bytes() == b"after"
    assert len(list((tmp_path / "real").iterdir())) == 2


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    # Opened for both ways, so that no test waits for ever for the other end.
    end = os.open(pipe, os.O_RDWR)
    reader = threading.Thread(target=lambda: read.append(os.read(end, 99)))
    reader.start()
    write_atomically(b"page", pipe)
    reader.join(timeout=10)
    os.close(end)
    assert read == [b"page"]
    assert pipe.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
