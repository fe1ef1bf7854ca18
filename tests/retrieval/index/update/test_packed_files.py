"""A packed list of files gives back what was put in, whatever the names."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from retrieval.index.catalogue.files import Stat
from retrieval.index.update.packed_files import PackedFiles
from retrieval.readers.folder import FoundFile, clean_name

parts = st.binary(min_size=1, max_size=9).filter(lambda b: not {0, 47} & set(b) and b not in (b".", b".."))
times = st.integers(-(2**62), 2**62)


@given(st.lists(st.tuples(parts, times), max_size=6))
def test_a_file_comes_back_as_it_was(found):
    root = Path("/images")
    files = PackedFiles(root)
    for path, time in found:
        name = os.fsdecode(path)
        files.add(FoundFile(f"/images/a/{name}", clean_name(name), 5, time, 7, -time), "a/")
    assert len(files) == len(found)
    paged = [one for page in files.pages() for one in page]
    assert paged == [files[at] for at in range(len(files))]
    for at, (path, time) in enumerate(found):
        name = f"a/{clean_name(os.fsdecode(path))}"
        assert paged[at] == (at, b"a/" + path, name, Stat(5, time, 7, -time))


def test_a_name_that_does_not_follow_from_the_path_is_kept():
    files = PackedFiles(Path("/images"))
    files.add(FoundFile("/images/a\\b", "a/b", 1, 2, 3, 4))
    assert (files[0].below, files[0].name) == (b"a\\b", "a/b")
