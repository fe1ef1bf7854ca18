"""The deep family: embeddings of pictures by a convolutional network. Not part of this release yet."""
