"""Multipart answers: parts come out as they went in, however the answer is cut into pieces."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacs.multipart import TruncatedError, boundary_of, parts
from retrieval.errors import ArchiveError


def body(contents, boundary=b"edge", preamble=b"", end=b"--\r\n"):
    """Return a multipart answer."""
    head = b"\r\nContent-Type: application/dicom\r\nContent-Length: 1\r\n\r\n"
    return preamble + b"".join(b"\r\n--" + boundary + head + c for c in contents) + b"\r\n--" + boundary + end


def read(data, folder, piece=1 << 18):
    """Return the contents of the parts, and what is left in the folder."""
    stream = io.BytesIO(data)
    return [
        part.path.read_bytes() for part in parts(lambda n: stream.read(min(n, piece)), b"edge", folder, "a")
    ]


@settings(max_examples=50)
@given(
    contents=st.lists(
        st.binary(max_size=60) | st.sampled_from([b"\r\n--edg", b"\r\n", b"--edge"]), max_size=4
    ),
    piece=st.integers(1, 70),
)
def test_parts_are_read_whole_in_any_pieces(tmp_path_factory, contents, piece):
    folder = tmp_path_factory.mktemp("parts", numbered=True)
    assert read(body(contents), folder, piece) == contents


def test_the_first_boundary_need_not_begin_a_line_and_a_preamble_is_passed_over(tmp_path):
    assert read(body([b"one"]).removeprefix(b"\r\n"), tmp_path) == [b"one"]
    assert read(body([b"one"], preamble=b"This is a message in MIME format."), tmp_path) == [b"one"]


def test_a_part_tells_its_first_bytes(tmp_path):
    stream = io.BytesIO(body([bytes(range(256)) * 40]))
    (part,) = parts(stream.read, b"edge", tmp_path, "a")
    assert part.head == (bytes(range(256)) * 40)[: len(part.head)]
    assert len(part.head) >= 1000


@pytest.mark.parametrize("n", [0, 1, 30, 100, 150])
def test_half_an_answer_gives_its_whole_parts_and_no_half_one(tmp_path, n):
    data = body([b"first" * 9, b"second" * 9])
    stream = io.BytesIO(data[:n])
    got = []
    with pytest.raises(TruncatedError, match="ends in the middle"):
        for part in parts(stream.read, b"edge", tmp_path, "archive"):
            got.append(part.path)
    assert sorted(got) == sorted(tmp_path.iterdir())
    assert all(path.read_bytes() in (b"first" * 9, b"second" * 9) for path in got)


def test_a_part_without_a_header_is_refused(tmp_path):
    with pytest.raises(ArchiveError, match="no header"):
        read(b"--edge\r\n" + bytes(1 << 19), tmp_path)


def test_an_answer_that_is_none_is_named():
    assert boundary_of('multipart/related; type="application/dicom"; boundary="a b"', "x") == b"a b"
    assert boundary_of("multipart/related; boundary=abc; type=x", "x") == b"abc"
    assert boundary_of("Multipart/Related; Boundary=abc", "x") == b"abc"
    assert boundary_of('multipart/related; boundary="a;b,c"', "x") == b"a;b,c"
    with pytest.raises(ArchiveError, match="x: answers with text/html, not with DICOM files"):
        boundary_of("text/html; charset=utf-8", "x")
