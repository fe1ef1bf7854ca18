"""Milvus, an engine that holds copies of dense vectors; needs the extra ``milvus``."""
