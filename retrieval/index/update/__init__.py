"""What changes an index: scan folders, fit representations, encode images, commit, learn metrics."""
