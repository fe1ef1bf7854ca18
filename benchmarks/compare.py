"""Compare every way of ranking on the same queries: one table, plots, paired tests and a page.

    python -m benchmarks.compare ultrasound3 brain4 skin7 cxr3
    python -m benchmarks.compare scans/            (a folder that holds labels.csv)

Writes ``report.html``, ``report.md``, ``table.csv`` and the plots to a folder. Indexes and results are kept
in ``--cache``: a second run measures only what has changed. ``--readme`` and ``--results`` put the tables
into the documents.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.comparison import kept, plots, report, tables
from benchmarks.comparison.contest import Contest, run, squeezenet_vectors
from benchmarks.comparison.dataset import Dataset, fingerprint, indexed, recipe_hashes, resolve
from benchmarks.shared.labelled_sets import DATA
from retrieval.index import Index
from retrieval.picture import Picture

ROOT = Path(__file__).resolve().parents[1]
SETS = ("ultrasound3", "brain4", "skin7", "cxr3")
_MARK = "<!-- compare -->"
_TIMED, _MAPPED = 8, 100


def compared(dataset: Dataset, args: argparse.Namespace) -> tuple[Contest, Path]:
    """Index a data set twice, measure it or take what was kept, and return that and its own index."""
    start = time.perf_counter()
    equal, own = (indexed(dataset, recipe, args.cache, args.jobs) for recipe in ("equal", "own"))
    made = time.perf_counter()
    code = [
        ROOT / "retrieval",
        *(ROOT / "benchmarks" / "comparison" / f"{n}.py" for n in ("contest", "dataset", "plain")),
        ROOT / "benchmarks" / "shared" / "plain_pipeline.py",
    ]
    hashes = repr([recipe_hashes(equal), recipe_hashes(own), _generation(equal), _generation(own)])
    key = fingerprint(*code, hashes, dataset.table, str(args.seed))
    place = args.cache / f"{dataset.name}.result.npz"
    contest = kept.load(place, key)
    if contest is None:
        squeezenet = squeezenet_vectors(dataset, own, args.cache, args.data)
        contest = run(dataset, equal, own, squeezenet, args.seed)
        kept.save(contest, place, key)
    took = time.perf_counter() - made
    print(f"{dataset.name}: indexes {made - start:.0f} s, ranked and measured {took:.0f} s", file=sys.stderr)
    return contest, own


def costs(own: Path, cache: Path) -> dict[str, float]:
    """Return milliseconds to describe a picture by each representation of an index, median of a few."""
    place = cache / "encoding.npz"
    with Index.open(own) as index:
        if place.is_file():
            with np.load(place) as arrays:
                return dict(zip(arrays["names"].tolist(), arrays["ms"].tolist(), strict=True))
        pictures = [index.read(name) for name in index.names[:_TIMED]]
        found = {}
        for name in index.representations:
            representation = index.representation(name)
            representation.encode(pictures[0])
            spent = []
            for picture in pictures:
                start = time.perf_counter()
                representation.encode(picture)
                spent.append(time.perf_counter() - start)
            found[name] = 1000 * float(np.median(spent))
    np.savez(place, names=np.array(list(found)), ms=np.array(list(found.values())))
    return found


def _generation(place: Path) -> str:
    with Index.open(place) as index:
        return repr((len(index), index.names[:1], index.names[-1:]))


def _pictures(own: Path) -> Iterator[Picture]:
    with Index.open(own) as index:
        step = max(1, len(index) // _MAPPED)
        yield from (index.read(name) for name in islice(index.names, 0, None, step))


def _drawn(
    contests: Sequence[Contest], places: Sequence[Path], encoding: dict[str, float]
) -> dict[str, bytes]:
    found = {
        "Mean average precision with 95 % intervals": plots.quality(contests),
        "Precision of the first k hits": plots.precision_curves(contests),
        "What a new query costs against what it finds": plots.cost_against_quality(contests, encoding),
    }
    for contest, own in zip(contests, places, strict=True):
        caption = f"Where points fall on {contest.name}, equally many of each detector"
        found[caption] = plots.heat_maps(_pictures(own))
    return found


def put(text: str, path: Path) -> None:
    """Put text between the two marks of a document, which has nothing else there."""
    document = path.read_text(encoding="utf-8")
    end = _MARK.replace("compare", "/compare")
    before, found, rest = document.partition(_MARK)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{path}: has no {_MARK} … {end}; put the two lines where the table belongs")
    path.write_text(f"{before}{_MARK}\n{text.strip()}\n{end}{after}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="*", default=list(SETS), metavar="DATASET")
    parser.add_argument("-o", "--out", type=Path, default=Path("comparison"), metavar="FOLDER")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="indexes and results [OUT/cache]")
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readme", type=Path, help="put the overview into a document")
    parser.add_argument("--results", type=Path, help="write the Markdown report there as well")
    args = parser.parse_args()
    args.cache = args.cache or args.out / "cache"
    args.cache.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    found = [compared(resolve(text, args.cache, args.data), args) for text in args.datasets]
    contests, places = [contest for contest, _ in found], [own for _, own in found]
    encoding = costs(places[0], args.cache)
    command = f"python -m benchmarks.compare {' '.join(args.datasets)}"
    text = report.markdown(contests, encoding, command, args.seed)
    drawn = _drawn(contests, places, encoding)
    (args.out / "report.md").write_text(text, encoding="utf-8")
    (args.out / "report.html").write_text(report.page(text, drawn), encoding="utf-8")
    (args.out / "table.csv").write_text(tables.as_csv(contests), encoding="utf-8")
    for number, image in enumerate(drawn.values(), start=1):
        (args.out / f"plot{number}.png").write_bytes(image)
    if args.results is not None:
        args.results.write_text(text, encoding="utf-8")
    if args.readme is not None:
        put(report.summary(contests, command), args.readme)
    print(tables.overview(contests))
    print(f"{args.out / 'report.html'}: {time.perf_counter() - start:.0f} s in all", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
