"""Facts about threads and processes that read an index while another process changes it."""

import os

import pytest
from faults import readers

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks readers and a writer"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
    pytest.mark.usefixtures("quick"),
]


def check(outcome):
    assert outcome.errors == []
    assert outcome.threads.n > 0
    assert outcome.processes.n > 0
    assert outcome.commits.n > 0
    # Caches fill in the first quarter; what grows by more later on grows with time.
    grown = {name: (a, b) for name, (a, b) in outcome.memory.items() if b > 1.1 * a + 10}
    assert grown == {}


def test_readers_beside_a_writer_see_no_error(tmp_path):
    check(readers.run(tmp_path, 4, n_threads=3, n_processes=1, seed=1))


def test_a_wrong_answer_and_an_error_are_counted(tmp_path, monkeypatch):
    def ask(index, expected, chance):
        if chance.random() > 0.5:
            raise AssertionError("another answer")

    monkeypatch.setattr(readers, "ask", ask)
    monkeypatch.setattr(readers, "change", lambda place, chance: 1 / 0)
    outcome = readers.run(tmp_path, 0.5, n_threads=1, n_processes=1, seed=1)
    assert {error.split(" (")[0] for error in outcome.errors} == {
        "AssertionError: another answer",
        "ZeroDivisionError: division by zero",
    }
    assert outcome.threads.n and outcome.processes.n and not outcome.commits.n


@pytest.mark.soak
def test_eight_threads_and_four_processes_read_for_ten_minutes_beside_a_writer(tmp_path):
    outcome = readers.run(tmp_path, 600, n_threads=8, n_processes=4, seed=2)
    print("\n".join(outcome.lines()))
    check(outcome)
