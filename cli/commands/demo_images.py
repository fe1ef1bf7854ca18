"""The demo's images: real ones that come inside installed packages, cut into tiles and slices.

Tiles of one original never overlap, and each is labelled with what the original shows.
"""

from __future__ import annotations

import csv
import importlib.util
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from viewer.files import write_text
from viewer.safe_text import csv_text

Array = NDArray[Any]
Cut = Callable[["Original", Path, Path], Iterator[Path]]


@dataclass(frozen=True)
class Original:
    """One image inside an installed package, and how it is cut.

    Parameters
    ----------
    package, file : where it is; a package or a file that is missing is passed over.
    label : what it shows.
    name : the folder (or the stem) of what is cut from it.
    cut : the function that writes the pieces and yields their paths.
    tile : rows and cols of a tile, in pixels.
    crop : (top, left, bottom, right) of the part that is cut, None for all of it.
    window : (centre, width) written into DICOM tiles in place of the original's; None leaves that.
    """

    package: str
    file: str
    label: str
    name: str
    cut: Cut
    tile: tuple[int, int] = (128, 128)
    crop: tuple[int, int, int, int] | None = None
    window: tuple[float, float] | None = None

    def path(self) -> Path | None:
        """Return the file; None if it is not installed. Nothing is imported or downloaded."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or spec.origin is None:
            return None
        path = Path(spec.origin).parent / self.file
        return path if path.is_file() else None


def write_pictures(folder: Path) -> tuple[int, set[str]]:
    """Write the demo's images and ``labels.csv`` into a folder, unless they are there already.

    Returns
    -------
    n_files, missing : how many files there are, and which packages with images are not installed.
    """
    missing = {o.package for o in ORIGINALS if o.path() is None}
    table = folder / "labels.csv"
    if table.is_file():
        with table.open(newline="", encoding="utf-8") as lines:
            names = [row["path"] for row in csv.DictReader(lines)]
        # The second run leaves the files alone, so that the index finds them unchanged.
        if names and all((folder / name).is_file() for name in names):
            return len(names), missing
    rows = [
        (piece.relative_to(folder).as_posix(), original.label, Path(original.file).name)
        for original in ORIGINALS
        if (path := original.path()) is not None
        for piece in original.cut(original, path, folder)
    ]
    # The table comes last: it says that the images are complete.
    write_text(csv_text([("path", "label", "origin"), *rows]), table)
    return len(rows), missing


def tiles(pixels: Array, tile: tuple[int, int]) -> Iterator[tuple[str, Array]]:
    """Cut pixels into whole tiles that do not overlap, and pass over those that are mostly background.

    Yields
    ------
    name, tile : such as ``r0c3``, and a view of the pixels.
    """
    rows, cols = tile
    grey = pixels.mean(axis=2) if pixels.ndim == 3 else pixels
    low, high = np.percentile(grey, (0.5, 99.5))
    # Robust ends of the grey levels: one hot pixel must not make everything else background.
    dark = low + 0.06 * (high - low)
    for r in range(pixels.shape[0] // rows):
        for c in range(pixels.shape[1] // cols):
            part = np.s_[r * rows : (r + 1) * rows, c * cols : (c + 1) * cols]
            # Air around a head, or the black rim of a retina, would make all such tiles alike.
            if (grey[part] > dark).mean() > 0.6:
                yield f"r{r}c{c}", pixels[part]


def _cropped(original: Original, pixels: Array) -> Array:
    top, left, bottom, right = original.crop or (0, 0, *pixels.shape[:2])
    return pixels[top:bottom, left:right]


def _png_tiles(original: Original, source: Path, folder: Path) -> Iterator[Path]:
    """Cut an ordinary image into PNG files."""
    pixels = _cropped(original, np.asarray(Image.open(source)))
    yield from _write_pngs(original, pixels, folder)


def _write_pngs(original: Original, pixels: Array, folder: Path) -> Iterator[Path]:
    (folder / original.name).mkdir(parents=True, exist_ok=True)
    for name, tile in tiles(pixels, original.tile):
        path = folder / original.name / f"{name}.png"
        Image.fromarray(tile).save(path)
        yield path


def _colour_dicom_tiles(original: Original, source: Path, folder: Path) -> Iterator[Path]:
    """Cut a colour DICOM image into PNG files."""
    yield from _write_pngs(original, _cropped(original, _read_dicom(source)[1]), folder)


def _dicom_tiles(original: Original, source: Path, folder: Path) -> Iterator[Path]:
    """Cut a grey DICOM image into DICOM files, with its header, rescaling and window."""
    dataset, pixels = _read_dicom(source)
    if original.window is not None:
        dataset.WindowCenter, dataset.WindowWidth = original.window
    (folder / original.name).mkdir(parents=True, exist_ok=True)
    for name, tile in tiles(_cropped(original, pixels), original.tile):
        path = folder / original.name / f"{name}.dcm"
        _write_dicom(dataset, tile, path)
        yield path


def _dicom_frames(original: Original, source: Path, folder: Path) -> Iterator[Path]:
    """Keep every fourth frame of a colour cine loop, as one DICOM file of several frames."""
    dataset, frames = _read_dicom(source)
    # pixel_array has turned YBR into RGB, and the header must say so.
    dataset.PhotometricInterpretation = "RGB"
    path = folder / f"{original.name}.dcm"
    folder.mkdir(parents=True, exist_ok=True)
    # Neighbouring frames of a heart beat look the same; four apart they do not.
    _write_dicom(dataset, frames[::4], path)
    yield path


def _volume_slices(original: Original, source: Path, folder: Path) -> Iterator[Path]:
    """Keep every second of the middle slices of the first volume, as one NIfTI file."""
    import nibabel

    path = folder / f"{original.name}.nii"
    folder.mkdir(parents=True, exist_ok=True)
    nibabel.load(source).slicer[:, :, 2:22:2, 0].to_filename(path)
    yield path


def _read_dicom(source: Path) -> tuple[Any, Array]:
    """Return the dataset without its pixels, and the pixels; YBR colour becomes RGB."""
    import pydicom
    from pydicom.pixels import pixel_array

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(source)
        pixels = pixel_array(dataset)
    # Overlays (groups 60xx) have the size of the whole image, which no tile has.
    for tag in [element.tag for element in dataset if element.tag.group in range(0x6000, 0x6020)]:
        del dataset[tag]
    return dataset, pixels


def _write_dicom(dataset: Any, pixels: Array, path: Path) -> None:
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    # Uncompressed, so that the demo does not depend on a decoder.
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    photometric = dataset.PhotometricInterpretation
    n_frames = pixels.shape[0] if pixels.ndim == 4 else 1
    # A name of its own for each tile, made of its path so that each run makes the same.
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(
        entropy_srcs=[str(path)]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.set_pixel_data(np.ascontiguousarray(pixels), photometric, dataset.BitsStored)
        if n_frames == 1:
            dataset.pop("NumberOfFrames", None)
        dataset.save_as(path, enforce_file_format=True)


HEAD = (300.0, 1600.0)
"""A window in Hounsfield units that shows bone and soft tissue."""

ORIGINALS = (
    Original("skimage", "data/ihc.png", "stained tissue", "tissue", _png_tiles),
    Original("skimage", "data/retina.jpg", "retina", "retina", _png_tiles, (256, 256), (65, 65, 1345, 1345)),
    Original("skimage", "data/cell.png", "cell culture", "cell", _png_tiles),
    Original("skimage", "data/microaneurysms.png", "retina", "microaneurysms", _png_tiles, (51, 51)),
    Original("pydicom", "data/test_files/693_J2KI.dcm", "CT head", "ct-head-1", _dicom_tiles, window=HEAD),
    Original(
        "pydicom",
        "data/test_files/J2K_pixelrep_mismatch.dcm",
        "CT head",
        "ct-head-2",
        _dicom_tiles,
        window=HEAD,
    ),
    Original("pydicom", "data/test_files/CT_small.dcm", "CT chest", "ct-chest", _dicom_tiles, (64, 64)),
    Original(
        "pydicom", "data/test_files/examples_overlay.dcm", "MR abdomen", "mr-abdomen", _dicom_tiles, (75, 75)
    ),
    Original(
        "pydicom",
        "data/test_files/examples_jpeg2k.dcm",
        "ultrasound lymph node",
        "ultrasound-node",
        _colour_dicom_tiles,
        (105, 103),
        (110, 10, 320, 630),
    ),
    Original(
        "pydicom",
        "data/test_files/examples_ybr_color.dcm",
        "ultrasound heart",
        "ultrasound-heart",
        _dicom_frames,
    ),
    Original("nibabel", "tests/data/example4d.nii.gz", "MR brain", "mr-brain", _volume_slices),
)
