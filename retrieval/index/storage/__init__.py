"""The folder of an index: arrays in segments, snapshots to read from, merging, erasure, verification."""
