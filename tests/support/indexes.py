"""Indexes: how tests make them, change them, and read what came of them."""

import sqlite3
from contextlib import closing, contextmanager, nullcontext

from retrieval.baselines import Thumbnail
from retrieval.index.catalogue.database import Catalogue
from retrieval.index.catalogue.page_sums import PageSums, write_sums
from retrieval.index.catalogue.schema import APPLICATION, SUMMED
from retrieval.index.writer import IndexWriter


@contextmanager
def catalogue_of(place, write=False):
    """Open the catalogue of an index; with ``write`` all that is done there is one commit."""
    with (
        closing(Catalogue.open(place, write)) as catalogue,
        catalogue.transaction() if write else nullcontext(),
    ):
        yield catalogue


def index_thumbnails(place, folder, *others):
    """Index a folder by its thumbnails, and by other representations; return the place of the index."""
    with IndexWriter.create(place) as index:
        for representation in (Thumbnail(), *others):
            index.add_representation(representation)
        index.update([folder], jobs=1)
    return place


def make(tmp_path, kinds, *representations, name="index"):
    """Make an empty index of stand-ins, open for writing."""
    factories = {
        "fragile": kinds.Fragile,
        "slow": kinds.Slow,
        "mean": kinds.Mean,
        "other": kinds.Other,
        "batched": kinds.Batched,
    }
    index = IndexWriter.create(tmp_path / name, factories=factories)
    for representation in representations:
        index.add_representation(representation)
    return index


def answers(index, name="3.png", **options):
    """Return the (name, score) of all pictures for a query."""
    return [(hit.id, hit.score) for hit in index.query(name, k=100, **options)]


def counts(report):
    """Return how many files an update added, changed, removed and left."""
    return report.added, report.changed, report.removed, report.unchanged


def change(place, sql, *values):
    """Change the catalogue of an index behind its back, with the checksums of what comes of it."""
    with sqlite3.connect(place / "catalogue.sqlite") as catalogue:
        catalogue.execute(sql, values)
    catalogue.close()
    seal(place)


def seal(place):
    """Write the checksums of a catalogue as it is now, if it is of a format that has them."""
    catalogue = sqlite3.connect(place / "catalogue.sqlite")
    is_index = catalogue.execute("PRAGMA application_id").fetchone()[0] == APPLICATION
    if is_index and catalogue.execute("PRAGMA user_version").fetchone()[0] >= SUMMED:
        (generation,) = catalogue.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
        write_sums(place, PageSums.of(catalogue.serialize(), int(generation)))
    catalogue.close()
