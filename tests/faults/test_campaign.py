"""Facts about faults and kills at any write, sync, rename or statement: nothing is lost, and it goes on."""

import os

import pytest
from faults import campaign
from faults.operations import OPERATIONS

EACH = 7
"""Faults, and as many kills, of each operation: together a twentieth of what `make soak` does."""

pytestmark = [
    pytest.mark.usefixtures("quick"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]


@pytest.fixture(scope="module", params=OPERATIONS)
def stage(request, tmp_path_factory):
    return campaign.Stage.of(request.param, tmp_path_factory.mktemp("campaign") / "x")


def check(outcome, n):
    assert outcome.harm == []
    assert sum(outcome.by_kind.values()) == n


def test_a_fault_loses_nothing_and_says_what_lacks(stage):
    check(campaign.run(stage, EACH, seed=1, kills=False), EACH)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a child")
def test_a_kill_loses_nothing(stage):
    outcome = campaign.run(stage, EACH, seed=2, kills=True)
    check(outcome, EACH)
    assert outcome.by_kind["killed"]


@pytest.mark.soak
@pytest.mark.parametrize("kills", [False, True])
def test_a_thousand_faults_and_a_thousand_kills_lose_nothing(stage, kills):
    n = -(-1000 // len(OPERATIONS))
    check(campaign.run(stage, n, seed=3, kills=kills), n)
