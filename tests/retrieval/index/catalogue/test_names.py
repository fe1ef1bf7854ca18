"""The names of all images, kept as one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.index.catalogue import names as joined_names
from retrieval.index.catalogue.database import Catalogue
from retrieval.index.catalogue.names import JoinedNames, all_names, find, numbers_by_name

SOME = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])), min_size=1)


@given(SOME, st.slices(12), st.integers(-3, 12))
def test_they_are_read_as_a_list_is(wanted: list[str], some: slice, at: int) -> None:
    names = JoinedNames("\n".join(wanted).encode())
    for _ in range(2):  # as one text, and as the strings that going through them leaves
        assert len(names) == len(wanted)
        assert names[some] == wanted[some]
        if -len(wanted) <= at < len(wanted):
            assert names[at] == wanted[at]
        else:
            with pytest.raises(IndexError):
                names[at]
        assert list(names) == wanted
    assert names == wanted
    assert names != [*wanted, "one more"]


@given(SOME, st.integers(1, 4))
def test_it_is_seen_whether_they_are_in_order(wanted: list[str], piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joined_names, "_PIECE", piece)
        assert JoinedNames("\n".join(wanted).encode()).rises() == (wanted == sorted(wanted))
        assert JoinedNames("\n".join(sorted(wanted)).encode()).rises()


@pytest.mark.parametrize("most", [0, 64_000_000])
@pytest.mark.parametrize("wanted", [["b", "a/ü", "a", "a!"], ["a\nb", "c"], ["", "\n"], [""], []])
def test_a_catalogue_gives_them_in_order_with_their_numbers(tmp_path, monkeypatch, wanted, most) -> None:
    monkeypatch.setattr(joined_names, "MOST_OF_A_CELL", most)  # where one text would be too long: row by row
    catalogue = Catalogue.create(tmp_path, {})
    with catalogue.transaction():
        catalogue.run("INSERT INTO root (id, path) VALUES (1, ?)", b"/")
        catalogue.run(
            """INSERT INTO source (id, root, path, name, size, mtime_ns, state)
            VALUES (1, 1, ?, 's', 1, 1, 'read')""",
            b"s",
        )
        for id, name in enumerate(wanted, start=5):
            catalogue.run(
                """INSERT INTO picture (id, name, source, rows, cols, groups, metadata)
                VALUES (?, ?, 1, 1, 1, '{}', '{}')""",
                id,
                name,
            )
    names, ids = all_names(catalogue), numbers_by_name(catalogue)
    assert list(names) == sorted(wanted)
    assert [wanted[id - 5] for id in ids] == sorted(wanted)
    assert [find(names, name) for name in sorted(wanted)] == list(range(len(wanted)))
    assert find(names, "zz") is None
    catalogue.close()
