"""Benchmarks on labelled sets say in one line what is missing."""

import sys

import pytest

from benchmarks.quality import ablation, instances, regions
from benchmarks.shared.labelled_sets import Set
from benchmarks.speed import verification

BENCHMARKS = [instances, ablation, regions, verification]


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda it: it.__name__)
def test_without_the_data_a_benchmark_says_so_in_one_line(benchmark, tmp_path, monkeypatch):
    if benchmark is verification:
        monkeypatch.setattr(verification, "print_speed", lambda: None)
    monkeypatch.setattr(sys, "argv", ["benchmark", "--data", str(tmp_path / "nowhere")])
    with pytest.raises(SystemExit) as left:
        benchmark.main()
    assert str(left.value).startswith(str(tmp_path / "nowhere" / "manifest.csv"))
    assert "--data" in str(left.value)
    assert "\n" not in str(left.value)


def test_a_set_that_is_not_there_is_named(tmp_path):
    (tmp_path / "manifest.csv").write_text("set,file,cls,patient,group\n")
    with pytest.raises(SystemExit, match="no set 'brain4'"):
        Set.load("brain4", tmp_path)
