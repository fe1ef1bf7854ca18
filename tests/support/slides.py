"""Slides made for tests: tissue on glass, as tiled pyramids in TIFF and in DICOM."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

PINK, PURPLE, GLASS = (224, 150, 196), (96, 60, 150), (243, 242, 244)


def tissue_image(rows: int, cols: int, seed: int = 0, cells: int = 1) -> NDArray[np.uint8]:
    """Return tissue in the middle of glass: a pink ellipse with purple cells, uint8 (rows, cols, 3)."""
    random = np.random.default_rng(seed)
    image = np.full((rows, cols, 3), GLASS, np.uint8)
    cv2.ellipse(image, (cols // 2, rows // 2), (cols * 2 // 5, rows * 2 // 5), 0, 0, 360, PINK, -1)
    for _ in range(cells * rows * cols // 700):
        x, y = int(random.integers(cols)), int(random.integers(rows))
        if tuple(image[y, x]) != GLASS:
            axes = tuple(int(n) for n in random.integers(2, 8, 2))
            shade = tuple(int(c) for c in np.array(PURPLE) + random.integers(-30, 30))
            cv2.ellipse(image, (x, y), axes, float(random.uniform(0, 180)), 0, 360, shade, -1)
    noise = random.normal(0, 3, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def levels_of(image: NDArray[np.uint8], n: int) -> list[NDArray[np.uint8]]:
    """Return an image and n - 1 halvings of it."""
    levels = [image]
    for _ in range(n - 1):
        last = levels[-1]
        levels.append(
            cv2.resize(last, (last.shape[1] // 2, last.shape[0] // 2), interpolation=cv2.INTER_AREA)
        )
    return levels


def write_slide(
    path: Path,
    image: NDArray[np.uint8],
    *,
    um_per_px: float | None = 0.5,
    levels: int = 3,
    compression: str = "deflate",
    is_ome: bool = False,
    tile: int = 256,
    is_big: bool = False,
) -> Path:
    """Write a tiled pyramid in TIFF, its lower levels as pages or, in OME-TIFF, as SubIFDs."""
    first, *rest = levels_of(image, levels)
    options = {"tile": (tile, tile), "photometric": "rgb", "compression": compression}
    metadata = None
    if is_ome:
        um = {} if um_per_px is None else {"PhysicalSizeX": um_per_px, "PhysicalSizeY": um_per_px}
        metadata = {"axes": "YXS", **um}
    with tifffile.TiffWriter(path, ome=is_ome, bigtiff=is_big) as file:
        resolution = (
            {} if um_per_px is None else {"resolution": (10_000 / um_per_px,) * 2, "resolutionunit": 3}
        )
        about = {"subifds": len(rest)} if is_ome else {}
        file.write(first, metadata=metadata, **options, **resolution, **about)
        for level in rest:
            file.write(level, subfiletype=1, metadata=None, **options)
    return path


def write_dicom_slide(
    path: Path, image: NDArray[np.uint8], um_per_px: float = 0.5, **changes: object
) -> Path:
    """Write one level of a slide in DICOM, TILED_FULL in tiles of 256, uncompressed."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    rows, cols = image.shape[:2]
    down, across = -(-rows // 256), -(-cols // 256)
    padded = np.full((down * 256, across * 256, 3), 255, np.uint8)
    padded[:rows, :cols] = image
    tiles = padded.reshape(down, 256, across, 256, 3).swapaxes(1, 2)
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.6"
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.3.3", "1.2.3.4"
    data.FrameOfReferenceUID, data.PatientID, data.Modality = "1.2.3.5", "P1", "SM"
    data.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    data.Rows = data.Columns = 256
    data.NumberOfFrames = down * across
    data.TotalPixelMatrixRows, data.TotalPixelMatrixColumns = rows, cols
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PlanarConfiguration = 3, "RGB", 0
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    data.DimensionOrganizationType = "TILED_FULL"
    data.TotalPixelMatrixFocalPlanes, data.NumberOfOpticalPaths = 1, 1
    data.ImagedVolumeWidth, data.ImagedVolumeHeight = cols * um_per_px / 1000, rows * um_per_px / 1000
    data.ImagedVolumeDepth, data.FocusMethod, data.ExtendedDepthOfField = 0.001, "AUTO", "NO"
    data.VolumetricProperties, data.SpecimenLabelInImage = "VOLUME", "NO"
    data.ImageOrientationSlide = [0, -1, 0, -1, 0, 0]
    origin, measures, shared, path_of_light = Dataset(), Dataset(), Dataset(), Dataset()
    origin.XOffsetInSlideCoordinateSystem = origin.YOffsetInSlideCoordinateSystem = 0.0
    data.TotalPixelMatrixOriginSequence = [origin]
    measures.PixelSpacing, measures.SliceThickness = [um_per_px / 1000] * 2, 0.001
    shared.PixelMeasuresSequence = [measures]
    data.SharedFunctionalGroupsSequence = [shared]
    path_of_light.OpticalPathIdentifier = "1"
    data.OpticalPathSequence = [path_of_light]
    data.PixelData = np.ascontiguousarray(tiles).tobytes()
    for keyword, value in changes.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    data.save_as(path, enforce_file_format=True)
    return path


_LEICA = """<?xml version="1.0"?><scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01">
<collection name="c" uuid="u" sizeX="{glass[0]}" sizeY="{glass[1]}">{images}</collection></scn>"""
_LEICA_IMAGE = """<image name="{name}" uuid="{name}"><creationDate>2020-01-01T00:00:00Z</creationDate>
<device model="m" version="1"/><pixels sizeX="{size[0]}" sizeY="{size[1]}">
<dimension sizeX="{size[0]}" sizeY="{size[1]}" r="0" ifd="{ifd}"/></pixels>
<view sizeX="{view[0]}" sizeY="{view[1]}" offsetX="{at[0]}" offsetY="{at[1]}"/><scanSettings>
<objectiveSettings><objective>{power}</objective></objectiveSettings><illuminationSettings>
<numericalAperture>0.5</numericalAperture><illuminationSource>brightfield</illuminationSource>
</illuminationSettings></scanSettings></image>"""


def write_leica(
    path: Path, image: NDArray[np.uint8], origin: tuple[int, int], glass: tuple[int, int]
) -> Path:
    """Write a slide as Leica does, at 0.5 µm a pixel: what was scanned is a part of the glass.

    Parameters
    ----------
    origin, glass : where the image begins on the glass, and how large that is: (x, y) in pixels.
    """
    nm, (rows, cols) = 500, image.shape[:2]
    whole = tuple(nm * n for n in glass)
    macro = {"name": "macro", "size": (64, 64), "ifd": 0, "view": whole, "at": (0, 0), "power": 0.6}
    view, at = (nm * cols, nm * rows), tuple(nm * n for n in origin)
    main = {"name": "main", "size": (cols, rows), "ifd": 1, "view": view, "at": at, "power": 20}
    images = "".join(_LEICA_IMAGE.format(**about) for about in (macro, main))
    options = {
        "photometric": "rgb",
        "compression": "jpeg",
        "compressionargs": {"level": 100},
        "metadata": None,
    }
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        about = _LEICA.format(glass=whole, images=images)
        file.write(np.full((64, 64, 3), 240, np.uint8), tile=(64, 64), description=about, **options)
        file.write(image, tile=(256, 256), **options)
    return path
