"""Facts about faults and kills at any write, sync, rename or statement: nothing is lost, and it goes on."""

import os

import pytest
from faults import campaign
from faults.operations import OPERATIONS

EACH = 8
"""Faults, and as many kills, of each operation: together a twentieth of what `make soak` does."""


def check(outcome, n):
    assert outcome.harm == []
    assert sum(outcome.by_kind.values()) == n


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_fault_loses_nothing_and_says_what_lacks(name, tmp_path):
    check(campaign.run(name, tmp_path / "x", EACH, seed=1, kills=False), EACH)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a child")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_kill_loses_nothing(name, tmp_path):
    outcome = campaign.run(name, tmp_path / "x", EACH, seed=2, kills=True)
    check(outcome, EACH)
    assert outcome.by_kind["killed"]


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("kills", [False, True])
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_thousand_faults_and_a_thousand_kills_lose_nothing(name, kills, tmp_path):
    n = -(-1000 // len(OPERATIONS))
    check(campaign.run(name, tmp_path / "x", n, seed=3, kills=kills), n)
