"""From descriptors to visual words: k-means, assignment, weights and signatures."""
