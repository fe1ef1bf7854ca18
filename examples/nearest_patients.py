"""Ask with a region, and leave out the query's own patient.

Typed as `python examples/nearest_patients.py INDEX ID X,Y,WIDTH,HEIGHT`.
"""

import sys

import semblance

place, asked, box = sys.argv[1:4]
x, y, width, height = map(float, box.split(","))
with semblance.open(place) as index:
    hits = index.query(asked, k=5, region=(x, y, width, height), not_same="patient", include_self=False)
    for hit in hits:
        print(hit.rank, f"{hit.score:.4f}", hit.id, hit.box or "no box")
