"""OME-XML: what the metadata of an OME-TIFF file say of its images; nothing they get wrong costs pixels."""

from __future__ import annotations

from typing import Any

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
    return [element for element in root.iter() if _local(element) == "Image"]


def spacing_of(images: list[Any]) -> tuple[float, float] | None:
    """Return the (row, col) spacing in mm of the first image, None if it is not known."""
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
