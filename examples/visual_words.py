"""Visual words without an index: `python examples/visual_words.py FOLDER`.

Ranks the images of a folder by how much they look like its first one.
"""

import sys
from pathlib import Path

import numpy as np

import bovw
from retrieval.readers import read_pictures

folder = Path(sys.argv[1])
files = sorted(path for path in folder.iterdir() if path.is_file())
images = [image for file in files for image in read_pictures(file, file.name)]
words = bovw.superpixel(words=200).fit(images)
ranker = words.make_ranker()
ranker.add(np.arange(len(images)), [words.encode(image).vector for image in images])
ranking = ranker.rank(words.encode_query(images[0]).vector, k=5)
for rank, (place, score) in enumerate(zip(ranking.ids, ranking.scores, strict=True), start=1):
    print(rank, f"{score:.3f}", images[place].id)
