"""Shards: the questions that tests ask of them, and how they change a plan."""

from retrieval.region import Region

ASKED = [
    {},
    {"by": ["sift"]},
    {"by": ["thumbnail"], "k": 3},
    {"where": "label = 'odd' and site = '1'"},
    {"not_same": "patient", "k": 30},
    {"group_by": "patient"},
    {"group_by": "patient", "case_by": "mean-3", "collapse": 8.0},
    {"group_by": "label"},
    {"fusion": "z", "k": 48},
    {"fusion": "sum", "include_self": False},
    {"blind": 3},
    {"by": ["thumbnail"], "smooth": 3},
    {"like": ["p3/1.dcm"], "unlike": ["p4/0.dcm"]},
    {"region": Region.box(20, 20, 50, 40), "by": ["sift"], "k": 20},
    {"region": Region.box(5, 30, 40, 60), "where": "site = '0'"},
]


def change(plan, *pairs):
    """Replace texts of a plan."""
    text = plan.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    plan.write_text(text)
    return plan
