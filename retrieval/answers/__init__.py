"""Answers: what rankings become, by fusion, grouping, feedback, votes and tests, all on arrays."""
