"""Search structures in the flow: made of the vectors that changed and of no others, the same after a kill."""

import shutil
import subprocess
import sys

import pytest
from support.flow_images import N, draw, table
from support.flow_steps import count_steps
from support.indexes import catalogue_of

from retrieval.index import Index
from retrieval.index.order import Order, bring_up_to_date, dry_run
from retrieval.index.update import search_structures
from retrieval.index.update.why import why
from retrieval.index.writer import IndexWriter, MetricOptions
from retrieval.metric_learning import MetricLearner
from retrieval.rankers import approximate, dense_block

pytest.importorskip("annoy")
pytest.importorskip("faiss")
pytestmark = pytest.mark.usefixtures("quick", "small")

FEW = 4
METRIC = "thumbnail+lda"
DENSE = ("thumbnail", "colour", METRIC)
ALL_RANKED = {f"rank {name}": N for name in DENSE}


@pytest.fixture
def small(monkeypatch):
    """Let segments of four images have search structures."""
    for module in (approximate, dense_block, search_structures):
        monkeypatch.setattr(module, "CODED", FEW)


@pytest.fixture
def scans(tmp_path):
    for number in range(N):
        draw(tmp_path / "scans", number)
    return tmp_path / "scans"


@pytest.fixture
def place(scans, tmp_path):
    """Make an index with two baselines and a metric, all ranked by graphs."""
    place = tmp_path / "i"
    bring_up_to_date(Order(place, [scans], by=["thumbnail", "colour"], labels=table(tmp_path), jobs=1))
    with IndexWriter.open(place) as index:
        index.learn_metric(MetricOptions("thumbnail", MetricLearner("lda"), has_trial=False, blend=0.0))
        index.choose_ranker("hnsw")
    return place


@pytest.fixture
def update(place, scans, monkeypatch):
    """Return what brings the index up to date and returns what was said before, and what ran."""
    ran = count_steps(monkeypatch)

    def run(labels=None, **about):
        order = Order(place, [scans], labels=labels, **about)
        said = {step.name: step.files for step in dry_run(order)}
        ran.clear()
        bring_up_to_date(order)
        return said, dict(ran)

    return run


def structures(place):
    """Return the bytes of all search structures by representation, after a look at what the index says."""
    with Index.open(place) as index:
        assert index.verify() == index.leftovers() == []
    with catalogue_of(place) as catalogue:
        rows = catalogue.rows(
            "SELECT r.name, s.folder FROM segment s JOIN representation r ON r.id = s.representation "
            "AND NOT is_next ORDER BY s.id"
        )
    found = {}
    for name, folder in rows:
        files = (place / "segments" / folder).rglob("*.npy")
        own = {str(f.relative_to(place / "segments" / folder)): f.read_bytes() for f in files}
        found.setdefault(name, []).append(own)
    return found


def test_each_representation_that_has_a_ranker_has_its_node(place, update):
    nodes = {one.name: one for one in why(place)}
    assert nodes["rank thumbnail"].inputs == ("encode thumbnail",)
    assert nodes[f"rank {METRIC}"].inputs == (f"derive {METRIC}",)
    assert not any(one.runs or one.because for one in nodes.values())
    assert update() == update(remake=True) == ({}, {})


def test_a_setting_makes_the_structures_of_its_vectors_and_its_metrics_and_they_come_back(place, update):
    before = structures(place)
    said, done = update(remake=True, settings={"side": 8})
    ranked = {"rank thumbnail": N, f"rank {METRIC}": N}
    assert said == {"encode thumbnail": N, f"set aside {METRIC}": 0, f"learn {METRIC}": N, **ranked}
    again = {"encode thumbnail": N, "learn metric": done["learn metric"], f"derive {METRIC}": N, **ranked}
    assert done == again
    assert update() == ({}, {})
    assert update(remake=True, settings={"side": 16}) == ({f"set aside {METRIC}": 0}, {})
    assert structures(place) == before


def test_few_new_images_are_read_as_they_are_and_more_get_one_structure(place, update, scans):
    draw(scans, 4, seed=77)
    once = {"encode colour": 1, "encode thumbnail": 1, f"derive {METRIC}": 1}
    said, done = update()
    assert (said, done) == ({"read": 1, **once}, once)
    for number in range(N, N + FEW):
        draw(scans, number)
    said, done = update()
    # The one that changed is in no structure yet.
    ranked = {f"rank {name}": FEW + 1 for name in DENSE}
    new = dict.fromkeys(once, FEW)
    assert (said, done) == ({"read": FEW, **new, **ranked}, {**new, **ranked})
    assert update() == ({}, {})


def test_a_label_makes_the_structure_of_its_metric_and_of_nothing_else(place, update, tmp_path):
    assert update(table(tmp_path, i3="fine")) == ({"label": 1}, {})
    said, done = update(remake=True)
    assert said == {f"learn {METRIC}": N, f"rank {METRIC}": N}
    again = {"learn metric": done["learn metric"], f"derive {METRIC}": N, f"rank {METRIC}": N}
    assert done == again
    assert update(remake=True) == ({}, {})


def test_what_is_learnt_by_its_own_command_gets_its_structure_at_once(place, update, tmp_path):
    update(table(tmp_path, i3="fine"))
    with IndexWriter.open(place) as index:
        index.learn_metric(MetricOptions("thumbnail", MetricLearner("lda"), has_trial=False, blend=0.0))
    assert update() == ({}, {})


def test_another_ranker_is_made_once_and_the_one_before_not_at_all(place, update, scans):
    before = structures(place)
    for number in range(N, N + FEW):
        draw(scans, number)
    new = {"encode colour": FEW, "encode thumbnail": FEW, f"derive {METRIC}": FEW}
    ranked = {f"rank {name}": N + FEW for name in DENSE}
    said, done = update(ranker="annoy")
    assert (said, done) == ({"read": FEW, **new, **ranked}, {**new, **ranked})
    assert update(ranker="annoy") == update() == ({}, {})
    assert {by for by in before if structures(place)[by] != before[by]} == set(DENSE)


def test_a_ranker_that_is_changed_and_changed_back_is_made_again_where_it_was_changed(place, update):
    before = structures(place)
    colour = {"rank colour": N}
    for ranker in ("annoy", "hnsw", "exact", "hnsw"):
        assert update(by=["colour"], ranker=ranker) == (colour, colour)
        assert update() == ({}, {})
    assert structures(place) == before


def test_a_ranker_that_is_changed_while_settings_are_aside_is_made_when_they_come_back(place, update):
    update(remake=True, settings={"side": 8})
    assert update(ranker="exact")[1] == ALL_RANKED
    said, done = update(remake=True, settings={"side": 16})
    assert said["rank thumbnail"] == done["rank thumbnail"] == N
    assert "rank colour" not in {**said, **done}
    assert update() == ({}, {})


def test_weights_and_words_are_no_matter_of_rankers(place, update):
    assert update(by=["sift"], settings={"words": 8, "points": 30})[1] == {"learn sift": N, "encode sift": N}
    assert update() == ({}, {})


WRITER = """
import os, sys
from pathlib import Path

from retrieval.index.order import Order, bring_up_to_date
from retrieval.index.update import search_structures
from retrieval.rankers import approximate, dense_block
from retrieval.rankers.hnsw import HnswRanker

place, scans, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
for module in (approximate, dense_block, search_structures):
    module.CODED = 4
write, n = HnswRanker._write_finder, [0]


def dying(folder, block):
    n[0] += 1
    if n[0] * 2 - 1 == last:
        folder.mkdir()  # and nothing in it
        os._exit(9)
    write(folder, block)
    if n[0] * 2 == last:
        os._exit(9)


HnswRanker._write_finder = dying
bring_up_to_date(Order(Path(place), [Path(scans)], settings={"side": 8}, jobs=1, remake=True))
"""


@pytest.mark.parametrize("lasts", [(2, 3), pytest.param(range(1, 5), marks=pytest.mark.soak)], ids=len)
def test_a_kill_while_structures_are_written_gives_the_same_ones(place, scans, tmp_path, lasts):
    found = []
    # The last one is not disturbed.
    for last in (*lasts, 0):
        copy = shutil.copytree(place, tmp_path / f"killed{last}")
        if last:
            command = [sys.executable, "-c", WRITER, str(copy), str(scans), str(last)]
            assert subprocess.run(command, check=False).returncode == 9
            with Index.open(copy) as index:
                assert index.verify() == []
        bring_up_to_date(Order(copy, [scans], settings={"side": 8}, jobs=1, remake=True))
        found.append(structures(copy))
    assert all(one == found[-1] for one in found)
    assert any("hnsw" in file for own in found[-1][METRIC] for file in own)
