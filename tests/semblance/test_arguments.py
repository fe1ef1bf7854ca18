"""What makes no sense is one error with a line that names it, in whatever form a program gives it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.drawings import draw_colour

import semblance


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arguments") / "scans"
    for number in range(6):
        draw_colour(folder / f"{number}.png", number)
    return folder


@pytest.fixture(scope="module")
def index(scans: Path) -> Iterator[semblance.Index]:
    labels: Any = {f"{number}.png": number % 2 for number in range(6)}
    with semblance.index(scans, by=["thumbnail", "colour"], labels=labels, jobs=1) as made:
        yield made


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"k": 1.5}, "k: 1.5 is no whole number"),
        ({"k": "3"}, "k: '3' is no whole number"),
        ({"k": None}, "k: None is no whole number"),
        ({"blind": 1.5}, "blind: 1.5 is no whole number"),
        ({"smooth": "a"}, "smooth: 'a' is no whole number"),
        ({"collapse": "a"}, "collapse: 'a' is no number"),
        ({"where": 3}, "where: 3 is no text"),
        ({"group_by": ["patient"]}, "group_by: ['patient'] is no text"),
        ({"by": 3}, "by: 3 is no name"),
        ({"like": [3]}, "like: 3 is no name"),
        ({"like": "nothing"}, "nothing: no such image"),
        ({"among": 3}, "among: 3 is no name"),
        ({"k": True}, "k: True is no whole number"),
        ({"include_self": "no"}, "include_self: 'no' is neither True nor False"),
        ({"region": (0, 0, 9, 9), "mm": 1}, "mm: 1 is neither True nor False"),
        ({"volume_by": "votes"}, "volume_by: only the slices of a volume are aligned"),
        ({"adjust": 3}, "adjust: 3 is no mapping"),
        ({"region": (0, 0, 9)}, "region: (0, 0, 9) will not do; give 4 numbers"),
        ({"region": "0,0,9,9"}, "region: '0,0,9,9' will not do"),
        ({"point": 3}, "point: 3 will not do; give 2 numbers"),
        ({"polygon": []}, "polygon: has no corners"),
        ({"polygon": [(0, 0, 0)]}, "polygon: (0, 0, 0) will not do"),
        ({"region": (0, 0, 9, 9), "margin": "a"}, "margin: 'a' is no number"),
        ({"region": (0, 0, 9, 9), "margin": -3}, "margin: -3 is no margin; give a number of at least 0"),
        ({"region": (0, 0, 9, 9), "margin": np.nan}, "margin: nan is no margin"),
        ({"mask": np.full((3, 3), "x")}, "mask: an array of <U1 marks nothing; give numbers"),
        ({"by": "superpixel", "fusion": "zz"}, "fusion: 'zz' is unknown; use one of rrf, z, sum, learnt"),
    ],
)
def test_a_keyword_of_another_kind_is_named(index: semblance.Index, given: Any, told: str) -> None:
    with pytest.raises(semblance.SettingError) as raised:
        index.query("0.png", **given)
    assert str(raised.value).startswith(told)


def test_none_and_one_name_are_what_they_look_like(index: semblance.Index) -> None:
    every = [hit.id for hit in index.query("0.png")]
    none: Any = {"by": None, "like": None, "where": None, "among": None, "region": None}
    assert [hit.id for hit in index.query("0.png", **none)] == every
    one: Any = {"like": "1.png", "among": "2.png", "k": np.int64(3)}
    assert [hit.id for hit in index.query("0.png", **one)] == ["2.png"]


ASKS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda index: index.evaluate(wehre="x"), "an evaluation has no setting 'wehre'; did you mean where"),
    (lambda index: index.query("0.png", q=3), "a query has no setting 'q'; it has adjust, among, blind, by,"),
    (lambda index: index.query(["0.png", "1.png"]), "no image: ask with one id, path, array"),
    (lambda index: index.query(None), "no image: ask with one id, path, array"),
    (lambda index: index.evaluate(labels=3), "labels: 3 is no path"),
    (lambda index: index.findings("0.png", labels={"0.png": 0.5}), "labels: row 1 (0.png): 0.5 is no label"),
    (
        lambda index: index.findings("0.png", among=[]),
        "findings: no image that may be found has a label; those",
    ),
    (lambda index: index.evaluate(cutoffs=3), "cutoffs: 3 will not do; give whole numbers"),
    (lambda index: index.classify("0.png", label_of=3), "label_of: 3 is no text"),
    (lambda index: index.classify("0.png", unsure="a"), "unsure: 'a' is no number"),
    (lambda index: index.explain("0.png", 3), "hit: 3 is no text"),
    (lambda index: index.query_volume(3), "3 is no volume"),
    (lambda index: index.vectors(3), "by: 3 is no name"),
    (lambda index: index.add(3), "folder: 3 is no path"),
    (lambda index: index.evaluate(baselines="no"), "baselines: 'no' is neither True nor False"),
    (lambda index: index.evaluate(has_leaks=0), "has_leaks: 0 is neither True nor False"),
    (lambda index: index.remove(["0.png"]), "ids: ['0.png'] is no name"),
]


@pytest.mark.parametrize(("ask", "told"), ASKS)
def test_what_is_asked_wrongly_is_named(
    index: semblance.Index, ask: Callable[[semblance.Index], Any], told: str
) -> None:
    with pytest.raises(semblance.SemblanceError) as raised:
        ask(index)
    assert str(raised.value).startswith(told)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"folder": 3}, "folder: 3 is no path"),
        ({"folder": ""}, "folder: '' is no path"),
        ({"folder": ["a", "b"]}, "folder: ['a', 'b'] is no path"),
        ({"folder": "/", "to": None}, "to: nothing is beside /"),
        ({"to": ""}, "to: '' is no path"),
        ({"jobs": 1.5}, "jobs: 1.5 is no number of processes"),
        ({"jobs": "2"}, "jobs: '2' is no number of processes"),
        ({"window": (40, 80)}, "window: (40, 80) is no window"),
        ({"also": None, "by": 3}, "by: 3 is no name"),
        ({"labels": 3}, "labels: 3 is no path"),
        ({"limits": [1]}, "limits: [1] is no mapping"),
        ({"limits": {"max_seconds": "a"}}, "max_seconds: 'a' is no number"),
        ({"by": "dense", "words": "x"}, "dense: cannot be made with words='x'"),
        ({"lables": "a.csv"}, "lables: is neither a keyword nor a setting; did you mean labels?"),
        ({"by": "dense", "word": 8}, "word: none of dense has this setting; did you mean words?"),
        ({"by": "dense", "zzz": 8}, "zzz: none of dense has this setting"),
        ({"by": "dense", "idf": "no"}, "idf: 'no' is neither True nor False"),
        ({"forget": "no"}, "forget: 'no' is neither True nor False"),
        ({"remake": 1}, "remake: 1 is neither True nor False"),
    ],
)
def test_what_is_to_be_indexed_wrongly_is_named(scans: Path, tmp_path: Path, given: Any, told: str) -> None:
    asked: Any = {"folder": scans, "to": tmp_path / "i", "by": "thumbnail", "jobs": 1, **given}
    with pytest.raises(semblance.SettingError) as raised:
        semblance.index(asked.pop("folder"), **asked)
    assert str(raised.value).startswith(told)
    assert not (tmp_path / "i").exists()


def test_numbers_of_numpy_are_numbers(scans: Path, tmp_path: Path) -> None:
    settings: Any = {"words": np.int64(8), "scales": np.array([4.0, 8.0]), "whitening": np.float32(0.5)}
    own = {"words": 8, "scales": [4.0, 8.0], "whitening": 0.5}
    for one in (settings, own):
        with semblance.index(scans, to=tmp_path / "i", by="dense", jobs=np.int64(1), **one) as made:
            assert len(made) == 6


def test_numbers_of_classes_are_labels(index: semblance.Index) -> None:
    assert index.query("0.png", k=1)[0].label == "0"
    assert [hit.id for hit in index.query("0.png", where="label = '1'", k=9)].count("1.png") == 1
    table: Any = {f"{number}.png": str(number % 3) for number in range(6)}
    assert {one.label for one in index.findings("0.png", labels=table).labels} <= {"0", "1", "2"}


def test_a_repair_with_no_processes_repairs_nothing(index: semblance.Index) -> None:
    for jobs in (0, math.pi):
        with pytest.raises(semblance.SettingError, match="jobs"):
            semblance.repair(index.path, jobs=jobs)  # type: ignore[arg-type]
