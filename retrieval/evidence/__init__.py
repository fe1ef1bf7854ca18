"""Evidence: what representations know of places in images, where a query matched, and what made a hit."""
