"""A query that is to be left out of its answer is left out as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.series import write_series

import semblance
from cli.main import main
from retrieval.answers.late_interaction import spread
from retrieval.index import Index
from viewer.queries.own_images import unasked
from viewer.queries.volume import find_volumes

N = 36


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two series, of more slices than a volume asks with, and their index."""
    place = tmp_path_factory.mktemp("own_images")
    for patient in range(2):
        write_series(place / "scans" / f"p{patient}", patient, N)
    words = ["index", place / "scans", "-o", place / "i", "--by", "thumbnail", "--jobs", "1", "--quiet"]
    assert main([str(word) for word in words]) == 0
    return place


def test_all_slices_of_a_volume_are_left_out_with_it(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("p0/001.dcm", place / "scans" / "p0"):
        words = ["query", place / "i", name, "--volume", "--exclude-self", "--json", "--quiet"]
        capsys.readouterr()
        assert main([str(word) for word in words]) == 0
        (answer,) = json.loads(capsys.readouterr().out)
        assert [hit["id"].partition("/")[0] for hit in answer["hits"]] == ["p1"]
    with semblance.open(place / "i") as index:
        # Also of a column that its slices do not have.
        for given in ({"include_self": False}, {"not_same": "label", "among": index.ids}):
            hits = index.query_volume("p0/001.dcm", group_by="id", k=2 * N, **given)
            assert {hit.id.partition("/")[0] for hit in hits} == {"p1"}
        assert len(index.query_volume("p0/001.dcm")) == 2


def test_slices_that_do_not_ask_are_of_the_volume_too(place: Path) -> None:
    with Index.open(place / "i") as index:
        query = find_volumes(index, ["p0/001.dcm"])[0].query(index)
    assert len(query.slices) == len(spread(N)) < N
    assert len(unasked(query)) == N - len(query.slices) and not unasked(query) & {*query.slices}
