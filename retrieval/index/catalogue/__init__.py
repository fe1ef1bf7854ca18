"""What SQLite keeps of an index: files, images, labels, representations, segments, tombstones."""
