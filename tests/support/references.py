"""References: what the fast code must agree with, in plain Python."""


def plain_cases(scores, cases, rule):
    """Return (case, score) best first: what the docstring says, in plain Python."""
    found = []
    for case in sorted(set(cases)):
        own = sorted(((-s, i) for i, (s, c) in enumerate(zip(scores, cases, strict=True)) if c == case))
        values = [-s for s, _ in own]
        if rule == "best":
            score = values[0]
        elif rule == "rank-weighted":
            score = sum(v / (j + 1) for j, v in enumerate(values)) / sum(
                1 / (j + 1) for j in range(len(values))
            )
        else:
            kept = values[: int(rule[5:])]
            score = sum(kept) / len(kept)
        found.append((-score, own[0][1], case))
    return [(case, -score) for score, _, case in sorted(found)]


def plain_collapse(ids, stacks, positions, within):
    kept = []
    for i in ids:
        if not any(stacks[i] == stacks[j] and abs(positions[i] - positions[j]) <= within for j in kept):
            kept.append(i)
    return kept
