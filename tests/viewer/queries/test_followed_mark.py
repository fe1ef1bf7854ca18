"""Following a mark: which slices ask, and in which slices of a hit's stack it goes on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from retrieval.errors import OptionError, SettingError
from retrieval.index import Hit, QueryOptions
from retrieval.readers.slice_stacks import Slice
from retrieval.region import Region
from viewer.queries import followed_mark
from viewer.queries.followed_mark import FollowedMark, spread_around
from viewer.queries.query import Query
from viewer.queries.stack import SliceStack
from viewer.queries.stack_scores import stack_scores

MARKED = QueryOptions(by=("words",), region=Region.box(1, 1, 5, 5), k=3)


class Collection:
    """Two stacks, slices 2 mm apart, with a finding in some of each. Slices that show as much are alike."""

    default_representations = ("words",)
    lacking = ""

    def __init__(self, n, own, other):
        self.shown = {"a": own, "b": other}
        self.stacks = {
            stack: tuple(Slice(f"{stack}{i:03d}", stack, 2.0 * i, (0, 0, 1)) for i in range(n))
            for stack in "ab"
        }
        self.names = [one.name for stack in self.stacks.values() for one in stack]
        self.asked = []

    def stack_of(self, image):
        return SliceStack(self.stacks[image[0]], int(image[1:]))

    def representation(self, name):
        return SimpleNamespace(family=name)

    def shows(self, image):
        return int(image[1:]) in self.shown[image[0]]

    def query(self, image, options):
        self.asked.append((image, options))
        among = self.names if options.among is None else options.among
        # A little for a number in common: no two slices are equal.
        scores = {
            one: 2.0 * (one == image) + (self.shows(one) == self.shows(image)) - 1e-6 * abs(int(one[1:]) - 9)
            for one in among
        }
        best = sorted(scores, key=lambda one: -scores[one])[: options.k]
        return [Hit(one, scores[one], rank) for rank, one in enumerate(best, start=1)]


@pytest.fixture
def collection(monkeypatch):
    """Return what makes a collection that is asked for its stacks."""

    def make(n=30, own=range(8, 13), other=range(5, 11)):
        made = Collection(n, own, other)
        monkeypatch.setattr(followed_mark, "stack_of", lambda index, image: index.stack_of(image))
        return made

    return make


def follow(index, image, through, options=MARKED):
    return FollowedMark.of(index, Query(image, known_as=image), options, through)


@pytest.mark.parametrize(
    ("image", "through", "asking"),
    [
        ("a010", 0.5, ["a010"]),
        ("a010", 2, ["a009", "a010", "a011"]),
        ("a010", 20, ["a008", "a009", "a010", "a011", "a012"]),  # the finding ends before the reach does
        ("a012", 20, ["a008", "a009", "a010", "a011", "a012"]),
    ],
)
def test_slices_ask_that_are_near_and_show_what_is_marked(image, through, asking, collection):
    assert list(follow(collection(), image, through).names) == asking


def test_a_file_of_the_index_asks_as_its_image_does(collection):
    read = Query("scans/10.dcm", picture=object(), known_as="a010")
    assert list(FollowedMark.of(collection(), read, MARKED, 2).names) == ["a009", "a010", "a011"]


def test_no_slice_near_the_mark_is_found_whether_it_asks_or_not(collection):
    index = collection()
    mark = follow(index, "a010", 20)
    assert set(index.names) - set(mark.options.among) == {f"a{i:03d}" for i in range(21)}
    assert [hit.id for hit in mark.hits()[0]] == ["b009", "b008", "b010"]


@pytest.mark.parametrize(("given", "cases"), [(None, "series"), ("patient", "patient")])
def test_a_volume_is_one_answer_unless_other_cases_are_named(given, cases, collection):
    index = collection()
    mark = follow(index, "a010", 20, replace(MARKED, group_by=given))
    index.asked.clear()
    mark.hits()
    assert {options.group_by for _, options in index.asked} == {cases}


def test_conditions_are_on_what_is_found_and_not_on_what_asks(collection):
    index = collection()
    options = QueryOptions(by=("words",), region=MARKED.region, not_same="series", where="kind = 'image'")
    assert len(follow(index, "a010", 20, options).names) == 5
    assert [one.not_same for _, one in index.asked] == [None]


@pytest.mark.parametrize("away", ["a008", "a010", "a012"])
def test_a_shard_that_was_away_while_any_slice_asked_is_named(away, collection, monkeypatch):
    index = collection()
    answer = index.query

    def query(image, options):
        index.lacking = "1 of 2 shards is away" if image == away else ""
        return answer(image, options)

    monkeypatch.setattr(index, "query", query)
    assert follow(index, "a010", 20).hits()[1] == "1 of 2 shards is away"


def test_a_hit_says_in_which_slices_it_goes_on_and_a_stack_is_asked_once(collection):
    index = collection()
    mark = follow(index, "a010", 20)
    hits, _ = mark.hits()
    index.asked.clear()
    assert mark.extents(hits) == dict.fromkeys(("b008", "b009", "b010"), ("b005", "b010"))
    assert [name for name, _ in index.asked] == list(mark.names)


def test_of_a_long_stack_a_part_is_scored_and_the_range_is_the_same(collection):
    index = collection(n=400, own=range(195, 206), other=range(95, 106))
    mark = follow(index, "a200", 40)
    assert (mark.names[0], mark.names[-1]) == ("a195", "a205")
    assert mark.extents([Hit("b100", 1.0, 1)]) == {"b100": ("b095", "b105")}
    assert {len(options.among) for _, options in index.asked} == {49 + 48 - 6}


def test_every_representation_is_asked_by_itself(collection):
    index = collection()
    names, among = ["a009", "a010"], [f"b{i:03d}" for i in range(30)]
    found = stack_scores(index, names, QueryOptions(by=("words", "deep")), among, [])
    assert [scores.shape for scores in found] == [(2, 30), (2, 30)]
    assert [(name, options.by) for name, options in index.asked] == [
        (name, (by,)) for by in ("words", "deep") for name in names
    ]


def test_each_representation_is_asked_with_the_settings_that_it_has(collection, monkeypatch):
    index = collection()
    about = {"query_settings": ("verify",), "adjusted": lambda **settings: None}
    made = {"words": SimpleNamespace(**about), "deep": SimpleNamespace()}
    monkeypatch.setattr(index, "representation", made.get)
    options = QueryOptions(by=("words", "deep"), adjust={"verify": False, "misspelt": 1})
    stack_scores(index, ["a009"], options, [f"b{i:03d}" for i in range(30)], [])
    assert [one.adjust for _, one in index.asked] == [{"verify": False}, {}]


def test_an_index_without_a_fitted_representation_says_so(collection):
    index = collection()
    index.default_representations = ()
    with pytest.raises(SettingError, match="run `semblance index` to the end first"):
        follow(index, "a010", 5, QueryOptions(region=MARKED.region))


def test_a_mark_without_a_region_is_refused(collection):
    with pytest.raises(OptionError, match="mark a region"):
        follow(collection(), "a010", 5, QueryOptions())


@pytest.mark.parametrize("at", [15, 22, 50, 61, 80])
def test_at_most_nine_slices_ask_and_the_marked_one_is_always_among_them(at):
    found = spread_around(range(10, 90), at, 12, 81)
    assert len(found) == 9 and at in found and found == sorted(set(found))
    assert found[0] in (12, at) and found[-1] in (81, at)
    assert spread_around(range(10, 90), at, at - 1, at + 1) == [at - 1, at, at + 1]
