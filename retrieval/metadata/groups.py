"""The groups of images: which columns say what an image belongs to, and which of them counts by default."""

from __future__ import annotations

NAMED_IN_FILES = ("patient", "study", "series")
"""The groups that files name, the widest first."""

CASES = ("patient", "study", "group", "series", "slide")
"""What makes a case by default: the first of these that any image has."""

PEOPLE = ("patient", "group")
"""What says, or may say, who an image is of."""

KEPT_TOGETHER = (*PEOPLE, "study", "series", "slide")
"""What is never on both sides of a trial by default: the first of these that an image has.

Slices of one volume, and tiles of one slide, are nearly the same image, whether or not its file names a
patient.
"""
