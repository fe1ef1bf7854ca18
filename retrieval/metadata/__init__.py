"""Metadata: label tables, reference tables, and the conditions that filter by them."""
