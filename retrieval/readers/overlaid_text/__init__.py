"""Overlaid text, such as names and dates burned into images: a small network sees it, and reads none."""

from __future__ import annotations

from .network import sees_text as sees_text
from .network import text_score as text_score
