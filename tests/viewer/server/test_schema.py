"""The schema: the file that is kept is what the server speaks."""

from __future__ import annotations

from pathlib import Path

from viewer.server.api.schema import SCHEMA, schema_text


def test_the_schema_is_the_file_that_is_kept():
    """After a change: ``python -m viewer.server.api.schema > viewer/server/schema.graphql``."""
    kept = Path(__file__).parents[3] / "viewer" / "server" / "schema.graphql"
    assert kept.read_text(encoding="utf-8") == schema_text()


def test_every_field_that_fails_has_a_problem_for_a_result():
    """All questions that take an index may be wrong about it; what is left is lists and yes or no."""
    unions = schema_text().split("union ")[1:]
    assert len(unions) >= 14
    assert all("| Problem" in union.splitlines()[0] for union in unions)


def test_coordinates_and_units_are_said():
    said = SCHEMA.as_str()
    assert "x, y, width, height in pixels." in said
    assert "Between rows and columns, mm" in said
