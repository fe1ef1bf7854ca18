"""The contract of every representation, said of bags of words that keep signatures."""

import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location(
    "representation_contract_of_signatures", Path(__file__).with_name("test_representations.py")
)
contract = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(contract)

globals().update(
    {
        test: getattr(contract, test)
        for test in vars(contract)
        if test.startswith("test_") and "another_process" not in test
    }
)
fitted, encodings, ranker = contract.fitted, contract.encodings, contract.ranker
_make = contract.make


@pytest.fixture(params=["superpixel", "sift"], scope="module")
def name(request):
    return request.param


@pytest.fixture(autouse=True, scope="module")
def made_with_signatures():
    """Let the contract make bags with signatures."""
    contract.make = lambda name, **more: _make(name, signature=64, **more)


def test_the_contract_is_said_of_signatures(encodings):
    assert {encoding.evidence.dtype["signature"].itemsize for encoding in encodings} == {8}
