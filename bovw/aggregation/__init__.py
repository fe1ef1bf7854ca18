"""From local descriptors to one vector or one set of codes for each image: VLAD and ASMK*."""
