"""Index a folder, ask with one of its images, and write a page: python first_steps.py scans answer.html"""

import sys

import semblance

folder, page = sys.argv[1:3]
with semblance.index(folder, by="dense", labels=f"{folder}/labels.csv", words=50, points=60) as index:
    answer = index.query(index.ids[0], k=5, include_self=False)
    print(answer)
    answer.report(page)
    print(f"{len(index)} images; look at {page}")
