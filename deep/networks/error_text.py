"""Errors of libraries as one line, for a message of our own."""

from __future__ import annotations


def one_line(error: Exception, longest: int = 160) -> str:
    """Return the message of an error on one line, cut to at most ``longest`` characters."""
    return " ".join(str(error).split())[:longest]
