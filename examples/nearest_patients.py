"""Ask with a region, and leave out the query's own patient.

Typed as `python examples/nearest_patients.py INDEX ID X,Y,WIDTH,HEIGHT`.
"""

import sys
from pathlib import Path

from retrieval.index import Index
from retrieval.region import Region

x, y, width, height = map(float, sys.argv[3].split(","))
region = Region.box(row=y, col=x, height=height, width=width)
with Index.open(Path(sys.argv[1])) as index:
    for hit in index.query(sys.argv[2], k=5, region=region, not_same="patient", include_self=False):
        print(hit.rank, f"{hit.score:.4f}", hit.id, hit.box or "no box")
