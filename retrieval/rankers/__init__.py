"""Rankers: vectors in, rankings out; exact, over blocks of rows in memory or mapped from disk."""
