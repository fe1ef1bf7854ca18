"""OME-XML: what the metadata of an OME-TIFF file say of its images; nothing they get wrong costs pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Spacing = tuple[float, float]
"""Of rows and of columns, in mm."""

_MILLIMETRES = {"m": 1000.0, "cm": 10.0, "mm": 1.0, "µm": 1e-3, "um": 1e-3, "nm": 1e-6}


def ome_images(file: Any) -> list[Any]:
    """Return the Image elements of an open tifffile.TiffFile; none of a file without readable OME-XML."""
    from xml.etree import ElementTree

    if not file.is_ome:
        return []
    try:
        root = ElementTree.fromstring(file.ome_metadata)
    except (ElementTree.ParseError, TypeError, ValueError):
        return []
    images = [element for element in root.iter() if _local(element) == "Image"]
    for image in images:
        _drop_other_files(image, root.get("UUID"))
    return images


def _drop_other_files(image: Any, own: str | None) -> None:
    """Drop what is said of pages of other files: each file of a set may describe all of them."""
    for pixels in image:
        for data in [e for e in pixels if _local(e) == "TiffData"]:
            names = [str(e.text).strip() for e in data if _local(e) == "UUID"]
            if own and names and names != [own]:
                pixels.remove(data)


def spacings_of(images: list[Any]) -> Callable[[int], Spacing | None]:
    """Return what gives the spacing of a page (IFD), None if it is not known: each image has its own.

    A page of which the file does not say which image it is of has the spacing that all images have.
    """
    known = {id(image): spacing_of([image]) for image in images}
    of_page = {page: known[id(image)] for page, image in image_of_page(images).items()}
    common = next(iter(known.values())) if len(set(known.values())) == 1 else None
    return lambda page: of_page.get(page, common)


def spacing_of(images: list[Any]) -> Spacing | None:
    """Return the spacing of the first image, None if it is not known."""
    pixels = next((e for image in images for e in image.iter() if _local(e) == "Pixels"), None)
    if pixels is None:
        return None
    rows, cols = (_millimetres(pixels, axis) for axis in "YX")
    return (rows, cols) if rows and cols else None


def pages_by_name(images: list[Any]) -> dict[int, str]:
    """Return the name of the image that each page (IFD) is of, as far as the file says."""
    return {page: str(image.get("Name", "")) for page, image in image_of_page(images).items()}


def image_of_page(images: list[Any]) -> dict[int, Any]:
    """Return the Image element that each page (IFD) is of, as far as the file says."""
    found: dict[int, Any] = {}
    for image in images:
        for element in image.iter():
            if _local(element) == "TiffData":
                first = _whole(element.get("IFD", "0"))
                for page in range(first, first + _whole(element.get("PlaneCount", "1"))):
                    found[page] = image
    return found


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _millimetres(pixels: Any, axis: str) -> float | None:
    # Greek mu (U+03BC) and the micro sign (U+00B5) look alike; both are written.
    unit = pixels.get(f"PhysicalSize{axis}Unit", "µm").replace("\u03bc", "\u00b5")
    try:
        size = float(pixels.get(f"PhysicalSize{axis}", ""))
    except ValueError:
        return None
    return size * _MILLIMETRES[unit] if unit in _MILLIMETRES and 0 < size < float("inf") else None


def _whole(text: str) -> int:
    # 100,000 planes are more than any file holds; a damaged count must not fill the memory.
    return min(int(text), 100_000) if text.isascii() and text.isdigit() else 0
