"""Bags of visual words: interest points, descriptors, vocabulary, weighting."""
