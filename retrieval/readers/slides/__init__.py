"""Whole slides: one way to read parts of them at a physical scale, whatever file they are in."""
