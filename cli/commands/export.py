"""``semblance export``: write the vectors of an index for other tools."""

from __future__ import annotations

from retrieval.errors import SettingError
from viewer.files import check_place
from viewer.queries.query import default_by
from viewer.safe_text import counted, printable

from ..options.argument_types import place
from ..options.command import command
from ..options.completion import complete_representation
from ..options.parameters import Arguments, argument, option

EXAMPLE = """example:
  semblance export scans.index --npz vectors.npz
  semblance export scans.index --npz deep.npz --by deep

The file holds the arrays ids and labels (text; several labels joined by ;), and a row for each image:
vectors, or of visual words a sparse matrix in the parts that scipy.sparse.load_npz reads. In Python:
  file = numpy.load("vectors.npz"); file["ids"], file["vectors"]"""


@command(EXAMPLE)
@argument("index", type=place, metavar="INDEX", help="the index, a folder, or its shards.toml")
@option("--npz", required=True, type=place, metavar="FILE", help="the file, for numpy and scipy")
@option(
    "--by",
    shell_complete=complete_representation,
    metavar="NAME",
    help="the representation whose vectors are written [the first that queries ask]",
)
def run(args: Arguments) -> int:
    """Write the file, and say what is in it."""
    from retrieval.index.export import export_vectors
    from scale.shards.opening import open_index

    if args.npz.suffix.lower() != ".npz":
        raise SettingError(f"--npz: {args.npz} has another ending; end the name in .npz")
    check_place(args.npz)
    with open_index(args.index, must_be_whole=True) as index:
        vectors = export_vectors(index, args.by or default_by(index))
    args.shown += vectors.ids
    vectors.save(args.npz)
    kind = "sparse" if vectors.is_sparse else "dense"
    rows, cols = vectors.matrix.shape
    print(f"{printable(str(args.npz))}: {counted(rows, f'{kind} vector')} of {cols:,} by {vectors.by}")
    return 0
