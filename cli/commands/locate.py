"""``semblance locate``: where in a volume a range of slices is, by labelled slices that look alike."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrieval.errors import PictureError, SettingError
from viewer.notes import note_on_names, note_on_shards
from viewer.queries.volume import Volume, find_volumes
from viewer.safe_text import counted, does, printable

from ..options.argument_types import place
from ..options.command import command
from ..options.completion import complete_column, complete_image, complete_representation
from ..options.limit_flags import limit_options
from ..options.parameters import Arguments, argument, option
from ..options.ranking_flags import query_flag
from ..output.columns import columns

if TYPE_CHECKING:
    from retrieval.index import Index, LocatedRange

EXAMPLE = """example:
  semblance locate thorax.nii.gz --in scans.index --range lung
  semblance locate series7/ --in scans.index --range lung --by dense --json

VOLUME is a NIfTI file, a folder or files of a DICOM series, or ids of the index. In the index, the slices
of the range carry its label (`semblance index --labels`), in two volumes or more. Each slice of VOLUME finds
the labelled volumes' slices that look like it; where those are in their range says where it is in its own.
Ends may be outside a volume that holds only a piece of the range. An agreement below 0.3 is no evidence.

CT files often bring a window for soft tissue, in which lungs are black: make the index with --window lung
to find lungs by what they look like."""

_MOST_SLICES = 64


@command(EXAMPLE)
@argument(
    "volume",
    shell_complete=complete_image,
    nargs=-1,
    required=True,
    metavar="VOLUME",
    help="a volume: files, a folder, or ids of the index",
)
@option(
    "--in",
    "index",
    type=place,
    required=True,
    metavar="INDEX",
    help="the index, a folder, or its shards.toml",
)
@option("--range", metavar="LABEL", help="the label of the slices of the range [the only one there is]")
@query_flag("by", shell_complete=complete_representation, metavar="NAME")
@option("--where", metavar="EXPR", help="let only images vote whose metadata fit an expression")
@option(
    "--not-same",
    shell_complete=complete_column,
    metavar="X",
    help="let nothing vote that shares the volume's patient, study, …",
)
@option("--json", is_flag=True, help="print JSON")
@limit_options
def run(args: Arguments) -> int:
    """Locate the range in the largest stack of the volume, and print where it is."""
    from scale.shards.opening import open_index

    with open_index(args.index) as index:
        volume = _volume(index, args.volume)
        label = _label(index, args.range)
        found, heights = _located(index, volume, label, args)
        away = note_on_shards(index.lacking)
        names = note_on_names(index, args.not_same)
    for note in filter(None, (names, away)):
        print(note, file=sys.stderr)
    summary = _summary(volume, label, found, heights)
    args.shown += [summary[end]["slice"] for end in ("top", "bottom")]
    print(json.dumps(summary, indent=1) if args.json else _as_text(summary))
    return 0


def _volume(index: Index, images: Sequence[str]) -> Volume:
    volume, *others = find_volumes(index, images)
    # A folder of a series often holds a scout image, which is a stack of one.
    if others:
        n = sum(len(other.slices) for other in others)
        said = f"note: {volume.name}; {counted(n, 'slice')} of other stacks {does(n, 'are')} left aside"
        print(printable(said), file=sys.stderr)
    # Without positions the order of slices is that of file names, which proves nothing.
    if any(slice.height is None for slice in volume.slices):
        raise PictureError(
            f"{volume.name}: its slices have no position, so that nothing can be located; "
            "give DICOM with ImagePositionPatient, or NIfTI"
        )
    return volume


def _label(index: Index, asked: str | None) -> str:
    if asked is not None:
        return asked
    labels = sorted({label for entry in index.pictures() for label in entry.labels})
    # With one label in the index there is nothing to choose.
    if len(labels) != 1:
        raise SettingError(f"--range: which? The labels of this index are {', '.join(labels) or 'none'}")
    return labels[0]


def _located(index: Index, volume: Volume, label: str, args: Arguments) -> tuple[LocatedRange, list[float]]:
    from retrieval.answers.late_interaction import spread

    heights = [slice.height or 0.0 for slice in volume.slices]
    # Slices that are a millimetre apart say the same, and each costs a query.
    chosen = spread(len(heights), _MOST_SLICES).tolist()
    slices, at = volume.read(index, chosen), [heights[i] for i in chosen]
    options = {"by": args.by, "where": args.where, "not_same": args.not_same}
    return index.locate_range(slices, at, label, **options), heights


def _summary(volume: Volume, label: str, found: LocatedRange, heights: Sequence[float]) -> dict[str, Any]:
    ends = {}
    for end in ("top", "bottom"):
        height = getattr(found.range, end)
        # The range ends between slices; people want to open one.
        nearest = min(range(len(heights)), key=lambda i: abs(heights[i] - height))
        # A piece of a chest may hold one end of the lung only; the other is extrapolated.
        is_inside = min(heights) <= height <= max(heights)
        ends[end] = {"position": round(height, 2), "slice": volume.slices[nearest].name, "inside": is_inside}
    return {
        "volume": volume.name,
        "slices": len(heights),
        "range": label,
        **ends,
        "agreement": round(found.range.agreement, 4),
        "certain": found.range.is_certain,
        "voting_volumes": found.n_volumes,
    }


def _as_text(summary: dict[str, Any]) -> str:
    title = f"{summary['volume']}  {summary['range']}  agreement {summary['agreement']:.2f}"
    title += f"  by {counted(summary['voting_volumes'], 'volume')}"
    lines = [
        (
            end,
            f"{summary[end]['position']:.1f}",
            summary[end]["slice"] if summary[end]["inside"] else "outside the volume",
        )
        for end in ("top", "bottom")
    ]
    table = columns(("end", "mm", "slice"), lines, right=(1,))
    doubt = "" if summary["certain"] else "\nnot enough evidence: the slices that were found disagree"
    return f"{printable(title)}\n{table}{doubt}"
