"""A set of numbers in bits is a set."""

from hypothesis import given
from hypothesis import strategies as st

from retrieval.index.catalogue.number_set import NumberSet

numbers = st.lists(st.integers(0, 300))


@given(numbers, numbers)
def test_it_is_as_a_set_of_python(some, others):
    found, wanted = NumberSet(some), set(some)
    assert (len(found), list(found)) == (len(wanted), sorted(wanted))
    assert list(found - set(others)) == sorted(wanted - set(others))
    assert [number in found for number in others] == [number in wanted for number in others]
    for number in others:
        found.discard(number)
    assert (len(found), list(found)) == (len(wanted - set(others)), sorted(wanted - set(others)))


def test_what_is_no_number_of_it_is_not_in_it():
    assert -1 not in NumberSet([7])
    assert "7" not in NumberSet([7])
    assert 10**12 not in NumberSet([7])
