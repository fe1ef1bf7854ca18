"""Filters of cells in the words of Milvus: numbers alone, so that there is nothing to escape."""

from __future__ import annotations

from retrieval.rankers.engine import AllOf, CellFilter, HasCell, NoneOf

NUMBER = "id"


def cell_field(column: int) -> str:
    """Return the name of the field with the cells of a column."""
    return f"cell{column}"


def expression(condition: CellFilter) -> str:
    """Return the boolean expression of Milvus that holds where a filter does."""
    if isinstance(condition, HasCell):
        # Numbers of images are never negative; an empty list is refused by the grammar.
        codes = ", ".join(str(int(code)) for code in condition.codes)
        return f"({cell_field(condition.column)} in [{codes}])" if codes else f"({NUMBER} < 0)"
    if isinstance(condition, NoneOf):
        return f"(not {expression(condition.part)})"
    word = " and " if isinstance(condition, AllOf) else " or "
    return f"({word.join(map(expression, condition.parts))})"
