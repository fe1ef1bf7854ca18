"""The options that say how whole slides are cut into tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from retrieval.errors import OptionError

from .argument_types import place, positive
from .parameters import Arguments, option, stack

if TYPE_CHECKING:
    from retrieval.readers.tiling import Tiling

SECTION = "whole slides"


def micrometres(text: str) -> float:
    """Read micrometres a pixel: a number above 0."""
    # Zero stands for what is no number: neither is a scale.
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise click.BadParameter(f"{text!r} is no scale; give micrometres a pixel, such as 1.0")
    return value


slide_options = stack(
    option(
        "--um-per-px",
        type=micrometres,
        multiple=True,
        metavar="UM",
        section=SECTION,
        help="cut slides into tiles at this scale; repeatable; without it their first level is one image",
    ),
    option("--tile", type=positive, metavar="N", section=SECTION, help="pixels of a side of a tile [256]"),
    option("--overlap", type=int, metavar="N", section=SECTION, help="pixels that neighbours share [0]"),
    option(
        "--tissue",
        metavar="SHARE",
        section=SECTION,
        help="of a tile that must be tissue, or SHARE,SATURATION (0 to 255), or off [0.25]",
    ),
    option(
        "--assume-um-per-px",
        type=micrometres,
        metavar="UM",
        section=SECTION,
        help="of the finest level of slides that do not say; without it these are skipped",
    ),
    option(
        "--stain",
        choices=("none", "reinhard", "macenko"),
        metavar="HOW",
        section=SECTION,
        help="make the stain of slides alike: reinhard, macenko [none]",
    ),
)
"""The options that cut slides into tiles."""

slide_query_options = stack(
    option(
        "--um",
        is_flag=True,
        section=SECTION,
        help="the numbers of --region and --polygon are in micrometres of a slide",
    ),
    option(
        "--um-per-px",
        type=micrometres,
        metavar="UM",
        section=SECTION,
        help="of a photograph; of a field of a slide: ask at this scale [the one at which it is a tile]",
    ),
    option(
        "--heat-map",
        type=place,
        metavar="PNG",
        section=SECTION,
        help="draw how much each tile of the first hit's slide looks like the query",
    ),
    option(
        "--geojson",
        type=place,
        metavar="FOLDER",
        section=SECTION,
        help="write where hits are on their slides, a file for each, which QuPath opens",
    ),
)
"""The options that ask with fields of slides."""

_GIVEN = {
    "tile": "tile",
    "overlap": "overlap",
    "tissue": "tissue",
    "assume_um_per_px": "assumed",
    "stain": "stain",
}


def tiling_of(args: Arguments) -> Tiling | None:
    """Return how slides are to be cut; None if the command line does not say.

    OptionError for a word about tiles without a scale. SettingError for a value that makes no sense.
    """
    given = {name: getattr(args, flag) for flag, name in _GIVEN.items() if getattr(args, flag) is not None}
    # A scale is what makes a slide more than one image: without it all else would be passed over in silence.
    if not args.um_per_px:
        if given:
            flag = next(flag for flag, name in _GIVEN.items() if name in given)
            raise OptionError("is about tiles of slides; give their scale as well, --um-per-px 1.0", flag)
        return None
    # Here, and not above: help and completion must not wait for it.
    from retrieval.readers.tiling import Tiling, Tissue

    # What is not given keeps the default of the class, where it is written once.
    if "tissue" in given:
        given["tissue"] = Tissue.parse(given["tissue"])
    return Tiling(tuple(args.um_per_px), **given)
