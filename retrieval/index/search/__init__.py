"""Search: a query is encoded; candidates are ranked, reranked, fused and grouped, and become hits."""
