"""Tags of an older index that hold what was typed into the wrong field lose it when it is written to."""

import json
import sqlite3

import numpy as np
from PIL import Image
from support.indexes import change, index_thumbnails

from retrieval.index import Index
from retrieval.index.catalogue.page_sums import NAMES
from retrieval.index.writer import IndexWriter


def test_a_name_in_a_tag_of_an_older_index_goes_with_its_migration(tmp_path):
    (tmp_path / "images").mkdir()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "images" / "a.png")
    place = index_thumbnails(tmp_path / "x.index", tmp_path / "images")
    tags = {"body_part": "NAME 19610203", "modality": "MR", "model": "Aera", "rows": 8, "image_type": "A/MPR"}
    change(place, "UPDATE picture SET metadata = ?", json.dumps(tags))
    change(place, "UPDATE meta SET key = 'salt', value = ? WHERE key = 'key'", bytes(16).hex())
    change(place, "DROP TABLE archive")
    change(place, "DROP INDEX picture_draw")
    for table, column in (("picture", "draw"), ("picture", "burned_in"), ("segment", "is_summed")):
        change(place, f"ALTER TABLE {table} DROP COLUMN {column}")
    with sqlite3.connect(place / "catalogue.sqlite") as catalogue:
        catalogue.execute("PRAGMA user_version = 2")
    catalogue.close()
    for name in NAMES:
        (place / name).unlink()
    IndexWriter.open(place).close()
    with Index.open(place) as index:
        found = dict(index.picture("a.png").metadata)
    model = str(found.pop("model"))
    assert model.startswith("#")
    assert found == {"modality": "MR", "rows": 8, "image_type": "MPR"}
    assert b"19610203" not in (place / "catalogue.sqlite").read_bytes()
    assert b"Aera" not in b"".join(path.read_bytes() for path in place.glob("catalogue*"))
