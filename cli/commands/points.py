"""``semblance points``: draw interest points of an image, or where they fall in many images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import OptionError, PictureError, SettingError
from viewer.queries.image_arguments import find_images, read_images
from viewer.safe_text import printable

from ..options.argument_types import place, positive
from ..options.command import command
from ..options.limit_flags import limit_options
from ..options.parameters import Arguments, argument, option, quiet
from ..options.slide_flags import slide_options, tiling_of
from ..output.progress import ProgressBar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieval.picture import Picture
    from retrieval.readers.tiling import Frame
    from viewer.panels import Panel, Sign

DRAWN = 900
"""Pixels of the longest side of a drawing of one image."""
MAP = 480
"""Pixels of the longest side of a heat map."""

EXAMPLE = """example:
  semblance points chest.dcm -o points.png
  semblance points scans/ --by sift --by superpixel --points 200 -o heat.png
  semblance points s.svs --um-per-px 1.0 --tissue 0.5 -o tissue.png

One image: for each detector its points (dot), their scale σ (circle) and orientation (line), and
the borders of superpixels. Several images, or a folder: where points fall, over the extent of the
image, from equally many points of each detector (figures 2 and 3 of Haas et al. 2011).
A whole slide: where tissue is found on it, and which tiles an index takes."""


@dataclass(frozen=True)
class Look:
    """How images are looked at: their working size in pixels, and whether the background counts."""

    longest_side: int = 320
    foreground_only: bool = False

    def mask(self, picture: Picture) -> NDArray[np.bool_] | None:
        """Return where points may be, bool (rows, cols); None for anywhere."""
        from bovw.detectors.foreground import foreground

        return foreground(picture.grey) if self.foreground_only else None


@command(EXAMPLE)
@argument(
    "images", nargs=-1, required=True, metavar="IMAGE", help="a file, a frame such as file.dcm#12, a folder"
)
@option("--by", multiple=True, metavar="DETECTOR", help="sift, dense, superpixel [all]")
@option("-o", "--output", required=True, type=place, metavar="PNG", help="the drawing")
@option("--points", type=positive, default=400, metavar="N", help="points an image [400]")
@option("--longest-side", type=positive, default=320, metavar="N", help="working size in pixels [320]")
@option("--density", default="even", metavar="HOW", help="of superpixels: even, or structure [even]")
@option(
    "--median", type=int, default=0, metavar="N", help="side of a median before superpixels, 3 or 5 [none]"
)
@option("--foreground-only", is_flag=True, help="keep out of the black background")
@option("--window", default="auto", metavar="W", help="lung, brain, …, or centre,width [auto]")
@slide_options
@quiet
@limit_options
def run(args: Arguments) -> int:
    """Draw, and say on stdout what was drawn."""
    from viewer.files import check_picture_name, write_picture

    check_picture_name(args.output)
    if (tissue := _tissue(args)) is not None:
        write_picture(tissue, args.output)
        print(printable(str(args.output)))
        return 0
    if tiling_of(args) is not None:
        raise OptionError(
            "draws one whole slide; name a slide, and no other image, or leave it out", "um_per_px"
        )
    pictures = read_images(find_images(args.images), _reader(args.window))
    detectors = make_detectors(args.by, args.points, density=args.density, median=args.median)
    # One image is drawn large, several as heat maps: two are read to know which.
    first, second = next(pictures, None), next(pictures, None)
    if first is None:
        raise PictureError(f"{', '.join(args.images)}: holds no image")
    look = Look(args.longest_side, args.foreground_only)
    if second is None:
        sheet = draw_one(first, detectors, look)
    else:
        with ProgressBar("images", args.quiet) as progress:
            sheet = draw_many(_chain(first, second, pictures), detectors, look, progress)
    write_picture(sheet, args.output)
    print(printable(str(args.output)))
    return 0


def _tissue(args: Arguments) -> Any:
    """Draw the tissue of a whole slide, if it is all that was named; None for other images."""
    path = Path(args.images[0])
    if len(args.images) > 1 or not path.is_file():
        return None
    from retrieval.readers.tiling import Tiling
    from viewer.tissue_figure import draw_tissue

    return draw_tissue(path, tiling_of(args) or Tiling((1.0,)))


def make_detectors(
    names: Sequence[str] | None, points: int, *, density: str = "even", median: int = 0
) -> dict[str, Any]:
    """Make detectors of a budget by their names, all that there are if none is named.

    ``density`` and ``median`` are settings of superpixels. Raises SettingError if one is out of range, or
    given without superpixels.
    """
    from bovw.detectors import DETECTORS

    for name in names or ():
        if name not in DETECTORS:
            raise SettingError(f"--by: {name!r} is no detector; one of {', '.join(DETECTORS)}")
    own = {"density": density, "median": median}
    if names and "superpixel" not in names and own != {"density": "even", "median": 0}:
        raise SettingError(f"--by: {', '.join(names)} take no --density or --median; add --by superpixel")
    made: dict[str, Any] = {name: DETECTORS[name] for name in names or DETECTORS}
    return {name: kind(points=points, **(own if name == "superpixel" else {})) for name, kind in made.items()}


def draw_one(picture: Picture, detectors: dict[str, Any], look: Look) -> Any:
    """Draw the points of one image, a panel for each detector, and one with superpixel borders."""
    from viewer.panels import arrange

    rows, cols = picture.shape
    heading = f"{picture.id}   {cols} x {rows}"
    panels = _panels(picture, detectors, look, DRAWN)
    # Two beside each other: a sheet of four would be shrunk on every screen until its circles vanish.
    pairs = [panels[start : start + 2] for start in range(0, len(panels), 2)]
    return arrange(pairs, heading, _legend(detectors))


def draw_many(
    pictures: Iterator[Picture], detectors: dict[str, Any], look: Look, progress: ProgressBar
) -> Any:
    """Draw for each detector where its points fall, above the points of the first image."""
    import numpy as np

    from viewer.drawing import heat_map
    from viewer.legend import density_sign
    from viewer.panels import Panel, arrange

    fallen: dict[str, list[NDArray[np.float64]]] = {name: [] for name in detectors}
    example, n_pictures = None, 0
    for picture in pictures:
        example = example or picture
        n_pictures += 1
        for name, positions in _equal_positions(picture, detectors, look).items():
            fallen[name].append(positions)
        progress("finding points", n_pictures, 0)
    # There are two at least: see run.
    assert example is not None
    size = _shape_within(example.shape, MAP)
    maps = [
        Panel(heat_map(p := np.concatenate(parts), size), name, f"{len(p):,} points of {n_pictures:,} images")
        for name, parts in fallen.items()
    ]
    row = _panels(example, detectors, look, MAP)
    legend = [density_sign(), *_legend(detectors)]
    return arrange([maps, row], f"Where interest points fall; below, {example.id}", legend)


def _legend(detectors: dict[str, Any]) -> list[Sign]:
    from viewer.legend import point_signs

    has_regions = any(hasattr(detector, "regions") for detector in detectors.values())
    return point_signs(is_oriented=set(detectors) != {"dense"}, has_borders=has_regions)


def _panels(picture: Picture, detectors: dict[str, Any], look: Look, drawn: int) -> list[Panel]:
    import numpy as np

    from viewer.drawing import canvas, draw_borders, draw_points
    from viewer.panels import Panel

    small, factor = picture.fit_within(look.longest_side)
    drawing, enlarged = canvas(picture.pixels, drawn)
    mask = look.mask(small)
    panels = []
    for name, detector in detectors.items():
        points = detector.detect(small.grey, mask)
        done = draw_points(drawing, points, enlarged / factor, bool(points.orientations.any()))
        scales = f", scale {points.scales.min():.1f} to {points.scales.max():.1f} px" if len(points) else ""
        panels.append(Panel(done, name, f"{len(points)} points{scales}"))
    for name, detector in detectors.items():
        # Superpixels have borders, which show more than their centres do.
        if hasattr(detector, "regions"):
            regions = detector.regions(small.grey, mask)
            caption = f"{len(np.unique(regions[regions >= 0]))} regions"
            panels.append(Panel(draw_borders(drawing, regions), f"{name}: borders", caption))
    return panels


def _equal_positions(
    picture: Picture, detectors: dict[str, Any], look: Look
) -> dict[str, NDArray[np.float64]]:
    """Return for each detector (row, col) in [0, 1] of equally many points, float64 (n, 2)."""
    import numpy as np

    small, _ = picture.fit_within(look.longest_side)
    mask = look.mask(small)
    found = {name: detector.detect(small.grey, mask) for name, detector in detectors.items()}
    # Equally many of each detector, so that heat maps can be compared.
    n = min(len(points) for points in found.values())
    return {
        # As a share of each side, so that images of all sizes add up; half a pixel to its centre.
        name: (np.stack([p.rows, p.cols], axis=1).astype(np.float64) + 0.5) / small.shape
        for name, points in found.items()
        for p in [points.strongest(n)]
    }


def _shape_within(shape: tuple[int, int], longest: int) -> tuple[int, int]:
    factor = longest / max(shape)
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def _reader(window: str) -> Any:
    from retrieval.readers.guarded import read_guarded
    from retrieval.readers.window import Window

    parsed = Window.parse(window)

    def read(path: Path, name: str, frames: tuple[Frame, ...] | None) -> Iterator[Picture]:
        return read_guarded(path, name, window=parsed, frames=frames)

    return read


def _chain(first: Picture, second: Picture, others: Iterator[Picture]) -> Iterator[Picture]:
    yield first
    yield second
    yield from others
