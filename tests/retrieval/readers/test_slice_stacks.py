"""Facts about stacks: which slices lie on each other, and in which order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.readers.slice_stacks import Slice, find_stacks, read_normal, spell_normal

UP = (0.0, 0.0, 1.0)


def names(slices):
    return [[slices[i].name for i in stack] for stack in find_stacks(slices)]


def axial(n, first=0.0, step=5.0, **kind):
    return [Slice(f"{i}", "s", first + step * i, UP, frame=0, instance=i, **kind) for i in range(n)]


@given(st.permutations(range(9)), st.permutations(range(9)))
def test_position_decides_whatever_the_instance_numbers_say(order, instances):
    slices = [Slice(f"{i}", "s", 3.0 * i, UP, instance=instances[i]) for i in order]
    assert names(slices) == [[f"{i}" for i in range(9)]]


def test_an_oblique_stack_is_ordered_along_its_normal():
    normal = np.array([0.3, -0.5, 0.8])
    normal /= np.linalg.norm(normal)
    corners = np.array([12.0, -7.0, 3.0]) + np.arange(12)[:, None] * 4 * normal
    slices = [
        Slice(f"{i:02d}", "s", round(float(corners[i] @ normal), 4), tuple(normal), instance=99 - i)
        for i in np.random.default_rng(0).permutation(12)
    ]
    assert names(slices) == [[f"{i:02d}" for i in range(12)]]


def test_a_flipped_normal_turns_the_order_towards_the_head():
    slices = [Slice(f"{i}", "s", -5.0 * i, (0.0, 0.0, -1.0)) for i in range(5)]
    assert names(slices) == [["0", "1", "2", "3", "4"]]
    assert [slice.height for slice in slices] == [0, 5, 10, 15, 20]


def test_two_directions_in_a_series_are_two_stacks():
    across = [Slice(f"c{i}", "s", 4.0 * i, (0.0, -1.0, 0.0)) for i in range(3)]
    assert names([*across[::-1], *axial(5)]) == [["0", "1", "2", "3", "4"], ["c0", "c1", "c2"]]


@pytest.mark.parametrize("is_interleaved", [False, True])
def test_echoes_at_the_same_places_are_two_stacks(is_interleaved):
    slices = []
    for echo in (0, 1):
        for place in range(6):
            instance = 2 * place + echo if is_interleaved else 6 * echo + place
            slices.append(Slice(f"e{echo}p{place}", "s", 3.0 * place, UP, instance=instance))
    np.random.default_rng(1).shuffle(slices)
    assert names(slices) == [[f"e{echo}p{place}" for place in range(6)] for echo in (0, 1)]


@pytest.mark.parametrize("is_interleaved", [False, True])
@pytest.mark.parametrize("lacking", [(0, 5), (1, 0), (1, 5), (1, 9), (2, 5)])
def test_a_phase_that_lacks_a_slice_gets_none_of_another(is_interleaved, lacking):
    slices = [
        Slice(f"{p}/{z}", "s", 5.0 * z, UP, instance=3 * z + p if is_interleaved else 10 * p + z)
        for p in range(3)
        for z in range(10)
        if (p, z) != lacking
    ]
    for stack in names(slices):
        assert len({name.partition("/")[0] for name in stack}) == 1


def test_a_slice_made_again_in_one_of_two_phases_moves_no_other():
    numbers = [(p, z, 30 * p + z) for p in range(2) for z in range(30)]
    slices = [Slice(f"{p}/{z}", "s", 5.0 * z, UP, instance=n) for p, z, n in [*numbers, (2, 5, 90)]]
    assert names(slices) == [*([f"{p}/{z}" for z in range(30)] for p in range(2)), ["2/5"]]


def test_the_volumes_of_a_file_are_stacks_by_their_frames():
    slices = [Slice(f"f{n}", "s", float(n % 4), UP, frame=n) for n in range(12)]
    assert names(slices) == [[f"f{n}" for n in range(4 * v, 4 * v + 4)] for v in range(3)]


def test_a_slice_made_twice_stays_in_its_stack():
    again = Slice("2b", "s", 10.0, UP, instance=40)
    assert names([*axial(8), again]) == [["0", "1", "2", "2b", "3", "4", "5", "6", "7"]]


def test_pictures_of_one_place_are_one_stack():
    assert names([Slice(f"{i}", "s", 7.0, UP, instance=9 - i) for i in range(4)]) == [["3", "2", "1", "0"]]


def test_a_wide_gap_parts_two_stacks():
    above = [Slice(f"t{i}", "s", 200 + 5.0 * i, UP) for i in range(3)]
    assert names([*axial(5), *above]) == [["0", "1", "2", "3", "4"], ["t0", "t1", "t2"]]


def test_series_and_sizes_are_never_mixed():
    other = [Slice(f"o{i}", "other", 5.0 * i, UP) for i in range(4)]
    small = [Slice(f"s{i}", "s", 5.0 * i, UP, size=(8, 8)) for i in range(3)]
    found = names([*small, *axial(5), *other])
    assert found == [["0", "1", "2", "3", "4"], ["o0", "o1", "o2", "o3"], ["s0", "s1", "s2"]]


def test_without_a_position_frames_then_instances_then_names_decide():
    slices = [Slice("b", instance=2), Slice("a", instance=2), Slice("z", instance=1), Slice("y", frame=1)]
    assert names(slices) == [["z", "a", "b", "y"]]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20), st.sampled_from([UP, (1.0, 0.0, 0.0), None])))
)
def test_every_slice_is_in_one_stack(drawn):
    slices = [Slice(str(i), str(s), float(p) if p else None, n) for i, (s, p, n) in enumerate(drawn)]
    stacks = find_stacks(slices)
    assert sorted(i for stack in stacks for i in stack) == list(range(len(slices)))
    for stack in stacks:
        heights = [slices[i].height for i in stack]
        assert None in heights or heights == sorted(heights)


def test_a_normal_is_read_as_it_was_spelled():
    assert spell_normal((0.0, -0.0, 1.0)) == "0/0/1"
    assert read_normal("0/0.6/0.8") == pytest.approx((0, 0.6, 0.8))
    assert read_normal(None, "axial") == UP
    for nonsense in (None, "a/b/c", "1/2", "0/0/0", "nan/0/1", "inf/0/0", 3.5):
        assert read_normal(nonsense) is None
