"""Facts about numbers of groups."""

from retrieval.statistics.groups import numbered


def test_groups_are_numbered_by_first_appearance():
    assert numbered(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]
    assert numbered(["9f", "03", "9f", "71"]).tolist() == [0, 1, 0, 2]  # the same groups, other pseudonyms
    assert numbered([]).tolist() == []
