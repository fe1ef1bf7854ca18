"""Packed postings: bags of words in few bytes, and an exact search that touches few of them."""
