"""Mining: which triplets of a batch are learnt from. The expected ones are found by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from deep.training.mining import MINERS, draw_random, take_batch_hard, take_semi_hard  # noqa: E402

PLACES = torch.tensor([0.0, 1.0, 3.0, 2.0, 7.0])
LABELS = torch.tensor([0, 0, 0, 1, 1])
"""On a line: class 0 at 0, 1 and 3, class 1 at 2 and 7."""


def distances(places: torch.Tensor) -> torch.Tensor:
    return (places[:, None] - places[None]).abs()


def as_set(triplets: tuple[torch.Tensor, ...]) -> set[tuple[int, ...]]:
    return set(zip(*(each.tolist() for each in triplets), strict=True))


def test_batch_hard_takes_the_farthest_of_the_class_and_the_nearest_other() -> None:
    found = as_set(take_batch_hard(distances(PLACES), LABELS))
    assert found == {(0, 2, 3), (1, 2, 3), (2, 0, 3), (3, 4, 1), (4, 3, 2)}


def test_semi_hard_takes_the_nearest_other_that_is_farther_than_the_positive() -> None:
    found = as_set(take_semi_hard(distances(PLACES), LABELS))
    # Anchor 0 with positive 1 (at distance 1): the others lie at 2 and 7, so 3. With positive 2 (3): 4.
    # Anchor 1 with 0 (1): others at 1 and 6; 1 is not farther, so 4. Anchor 4 with 3 (5): others at 7, 6, 4.
    assert found == {
        *((0, 1, 3), (0, 2, 4), (1, 0, 4), (1, 2, 4)),
        *((2, 0, 4), (2, 1, 4), (4, 3, 1)),
        (3, 4, 0),  # none is farther than 5: the farthest
    }


def test_random_negatives_are_of_another_class_and_all_of_them_come() -> None:
    torch.manual_seed(0)
    drawn = [as_set(draw_random(distances(PLACES), LABELS)) for _ in range(40)]
    for found in drawn:
        assert {(a, p) for a, p, _ in found} == {
            (0, 1),
            (1, 0),
            (0, 2),
            (2, 0),
            (1, 2),
            (2, 1),
            (3, 4),
            (4, 3),
        }
        assert all(LABELS[a] != LABELS[n] for a, _, n in found)
    assert {n for found in drawn for _, _, n in found} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("name", MINERS)
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_a_batch_of_one_class_or_without_pairs_holds_no_triplet(name: str, labels: list[int]) -> None:
    triplets = MINERS[name](distances(torch.arange(3.0)), torch.tensor(labels))
    assert [len(each) for each in triplets] == [0, 0, 0]
