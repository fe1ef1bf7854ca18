"""Beyond one machine: an index in shards, indexing on a cluster, rankers that are engines elsewhere."""
