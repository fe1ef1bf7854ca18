"""Damaged and odd slides, and what is to be said of each that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from support.slides import levels_of, tissue_image, write_dicom_slide, write_slide

IMAGE = tissue_image(512, 768, 5)
"""What is on all of them, at 0.5 µm a pixel."""
HALF, QUARTER = levels_of(IMAGE, 3)[1:]
_TILED = {"tile": (256, 256), "photometric": "rgb", "metadata": None}
_SCALE = {"resolution": (20_000, 20_000), "resolutionunit": 3}
_APERIO = {"description": "Aperio Image Library v1\r\n768x512 (256x256) J/W|AppMag = 20|MPP = 0.5",
           "compression": "jpeg"}  # fmt: skip
_LEAST = {"subfiletype": 1}
_FRAME = 256 * 256 * 3


def _pages(path: Path, *pages: tuple[NDArray[Any], dict[str, Any]], is_ome: bool = False) -> Path:
    with tifffile.TiffWriter(path, ome=is_ome) as file:
        for image, options in pages:
            file.write(image, **{**_TILED, **options})
    return path


def _two(path: Path, **options: Any) -> Path:
    return _pages(path, (IMAGE, {**_SCALE, **options}), (HALF, {**_LEAST, **options}))


def _changed(path: Path, name: str, change: Callable[[Any], Any], page: int = 0) -> Path:
    with tifffile.TiffFile(path, mode="r+") as file:
        tag = file.pages[page].tags[name]
        tag.overwrite(change(tag.value))
    return path


def _cut(path: Path, share: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def _without_tables(path: Path) -> Path:
    """Turn the tables of each JPEG tile into comments."""
    with tifffile.TiffFile(path) as file:
        starts = [int(start) for page in file.pages for start in page.dataoffsets]
    data = bytearray(path.read_bytes())
    for start in starts:
        at = start + 2
        while data[at + 1] != 0xDA:  # the start of the scan
            if data[at + 1] in (0xC4, 0xDB):
                data[at + 1] = 0xFE
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    path.write_bytes(data)
    return path


def _several(path: Path) -> Path:
    """Write OME-TIFF of two images: a small one of 4 µm a pixel, and the slide."""
    with tifffile.TiffWriter(path, ome=True) as file:
        for image, um in ((QUARTER[:100], 4.0), (IMAGE, 0.5)):
            about = {"axes": "YXS", "PhysicalSizeX": um, "PhysicalSizeY": um}
            file.write(image, subifds=1, **{**_TILED, "metadata": about})
            file.write(image[::2, ::2], **_LEAST, **_TILED)
    return path


def _channels(path: Path) -> Path:
    deep = np.moveaxis(IMAGE.astype(np.uint16) * 256, 2, 0)
    about = {"axes": "CYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    grey = {"photometric": "minisblack", "metadata": about}
    return _pages(path, (deep, {"subifds": 1, **grey}), (deep[:, ::2, ::2], {**grey, **_LEAST}), is_ome=True)


def _associated(path: Path) -> Path:
    plain = {"tile": None, "subfiletype": 1}
    named = ("label", "macro")
    return _pages(path, *((HALF, {**plain, "description": f"Aperio Image Library v1\r\n{n}"}) for n in named))


def _jpeg(path: Path) -> Path:
    path.write_bytes(cv2.imencode(".jpg", HALF[..., ::-1])[1].tobytes())
    return path


def _part(path: Path, number: int) -> Path:
    """Write the first four of six tiles, or the last two, of a slide in two files."""
    from pydicom import dcmread

    first, end = ((0, 4), (4, 6))[number - 1]
    about = {"ConcatenationUID": "1.2.5", "InConcatenationNumber": number, "InConcatenationTotalNumber": 2}
    write_dicom_slide(path, IMAGE, SeriesInstanceUID="1.2.6", ConcatenationFrameOffsetNumber=first, **about)
    data = dcmread(path)
    data.PixelData, data.NumberOfFrames = data.PixelData[first * _FRAME : end * _FRAME], end - first
    data.SOPInstanceUIDOfConcatenationSource = "1.2.7"
    data.save_as(path, enforce_file_format=True)
    return path


def _lossless(path: Path) -> Path:
    """Write a slide in DICOM in lossless JPEG 2000."""
    import imagecodecs
    from pydicom import dcmread
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless

    data = dcmread(write_dicom_slide(path, IMAGE, SeriesInstanceUID="1.2.8"))
    frames = np.frombuffer(data.PixelData, np.uint8).reshape(-1, 256, 256, 3)
    code = {"codecformat": "j2k", "level": 0, "reversible": True}
    data.PixelData = encapsulate([imagecodecs.jpeg2k_encode(frame, **code) for frame in frames])
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID, data.PhotometricInterpretation = JPEG2000Lossless, "YBR_RCT"
    data.save_as(path, enforce_file_format=True)
    return path


def _strips(path: Path) -> Path:
    strips = {"tile": None, "rowsperstrip": 1}
    return _pages(path, (IMAGE, {**_SCALE, **strips}), (HALF, {**_LEAST, **strips}))


def _left_out(path: Path) -> Path:
    return _changed(_two(path), "TileByteCounts", lambda counts: (0, *counts[1:]))


def _beyond(path: Path) -> Path:
    return _changed(_two(path), "TileOffsets", lambda starts: (10**8, *starts[1:]))


def _wide(path: Path) -> Path:
    return _changed(_two(path), "ImageWidth", lambda _: 2**31 - 1)


def _lab(path: Path) -> Path:
    return _changed(_two(path), "PhotometricInterpretation", lambda _: 8)


def _aperio_strips(path: Path) -> Path:
    return _pages(path, (IMAGE, {**_APERIO, "tile": None, "compression": None}))


def _unordered(path: Path) -> Path:
    return _pages(path, (QUARTER, _LEAST), (IMAGE, _SCALE), (HALF, _LEAST))


def _of_16_bits(path: Path) -> Path:
    grey = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "PlanarConfiguration": None}
    bits = {"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15}
    return write_dicom_slide(path, IMAGE, **grey, **bits, PixelData=bytes(6 * 256 * 256 * 2))


def _of_channels(path: Path) -> Path:
    from pydicom.dataset import Dataset

    paths = [Dataset(), Dataset()]
    for number, one in enumerate(paths):
        one.OpticalPathIdentifier = str(number)
    grey = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "PlanarConfiguration": None}
    more = {"OpticalPathSequence": paths, "NumberOfOpticalPaths": 2, "NumberOfFrames": 12}
    return write_dicom_slide(path, IMAGE, **grey, **more, PixelData=bytes(12 * 256 * 256))


def _level(path: Path) -> Path:
    return write_dicom_slide(path, IMAGE, ImageType=["DERIVED", "PRIMARY", "VOLUME", "RESAMPLED"])


def _twice(path: Path) -> Path:
    return _pages(path, (IMAGE, _SCALE), (IMAGE, _LEAST), (HALF, _LEAST), (HALF, _LEAST))


ODD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "truncated.svs": (lambda p: _cut(_two(p, **_APERIO), 0.5), "the file is truncated"),
    "truncated.tif": (lambda p: _cut(_two(p), 0.3), "the file is truncated"),
    "sparse.tif": (_left_out, ""),
    "beyond.tif": (_beyond, ""),
    "no_scale.tif": (lambda p: write_slide(p, IMAGE, um_per_px=None), "give --assume-um-per-px"),
    "no_level.tif": (lambda p: _changed(_two(p), "ImageWidth", lambda _: 0, 1), "a level of it has no"),
    "no_tile.tif": (lambda p: _changed(_two(p), "TileWidth", lambda _: 0), "its tiles have no pixels"),
    "huge.tif": (_wide, "claims 512 × 2,147,483,647 pixels in 16,777,216 tiles, and says of 6"),
    "huge.svs": (lambda p: _changed(_two(p, **_APERIO), "ImageWidth", lambda _: 2**31 - 1), "and says of 6"),
    "big.tif": (lambda p: write_slide(p, IMAGE, is_big=True), ""),
    "several.ome.tif": (_several, ""),
    "channels.ome.tif": (_channels, "its channels or planes are pages of their own"),
    "tables.tif": (lambda p: _without_tables(_two(p, compression="jpeg")), "the tables of its JPEG tiles"),
    "folder.mrxs": (_jpeg, "a MIRAX slide whose folder, named as the file is"),
    "colours.tif": (_lab, "its colours are CIELAB"),
    "labels.svs": (_associated, "a label or an overview alone"),
    "unordered.tif": (_unordered, ""),
    "unordered.svs": (lambda p: _pages(p, (HALF, _APERIO), (IMAGE, _APERIO)), "its levels are not in order"),
    "twice.tif": (_twice, ""),
    "strips.tif": (_strips, ""),
    "strips.svs": (_aperio_strips, "none of its images is cut into tiles"),
    "photograph.svs": (_jpeg, ""),
    "part1.dcm": (lambda p: _part(p, 1), ""),
    "part2.dcm": (lambda p: _part(p, 2), "part 2 of a slide"),
    "lossless.dcm": (_lossless, ""),
    "small.ome.tif": (lambda p: write_slide(p, IMAGE, um_per_px=0.0005, is_ome=True), "than light resolves"),
    "small.dcm": (lambda p: write_dicom_slide(p, IMAGE, 0.0005), "than light resolves"),
    "fluorescence.dcm": (_of_16_bits, "its samples have 16 bits, not 8"),
    "channels.dcm": (_of_channels, "each of its channels has frames of its own"),
    "level.dcm": (_level, "a lower level of a slide, which is read with its finest one"),
    "unscaled.dcm": (lambda p: write_dicom_slide(p, IMAGE, SharedFunctionalGroupsSequence=None), "how large"),
}  # fmt: skip
"""Names of files, how to write each, and a part of the reason why it is refused; empty if it is read."""
