"""DICOM codecs: one compressed frame becomes its stored values."""

from __future__ import annotations

import zlib
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from ..codestream import codestream_size

_JPEG = {
    "1.2.840.10008.1.2.4.50",  # baseline
    "1.2.840.10008.1.2.4.51",  # extended, 8 or 12 bits
    "1.2.840.10008.1.2.4.57",  # lossless
    "1.2.840.10008.1.2.4.70",  # lossless, first-order prediction
}
_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
_BASELINE = "1.2.840.10008.1.2.4.50"
_RLE = "1.2.840.10008.1.2.5"
_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"


def decode_frame(data: bytes, syntax: Any, options: dict[str, Any]) -> tuple[NDArray[Any], str]:
    """Decode one encapsulated frame.

    Parameters
    ----------
    data : the compressed bytes of the frame.
    syntax : the transfer syntax, a pydicom UID.
    options : pydicom's decoding options, those of the whole file.

    Returns
    -------
    values, photometric : (rows, cols) or (rows, cols, samples), and the photometric interpretation;
        YBR_FULL is RGB by then.
    """
    _check_codestream(data, syntax, options)
    if syntax == _DEFLATED_FRAMES:
        return _native(_inflate(data, _n_bytes(options)), options), options["photometric_interpretation"]
    if syntax == _RLE and options["bits_allocated"] == 1:
        return _native(_run_lengths(data), options), options["photometric_interpretation"]
    if syntax in _JPEG and not (syntax == _BASELINE or _is_eight_bit_extended(syntax, options)):
        return _jpeg(data, syntax, options)
    return _by_pydicom(data, syntax, options)


def _by_pydicom(data: bytes, syntax: Any, options: dict[str, Any]) -> tuple[NDArray[Any], str]:
    from pydicom.encaps import encapsulate
    from pydicom.pixels import get_decoder

    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise PictureError(
            f"transfer syntax {syntax.name} cannot be decoded; convert the file to another"
        ) from None
    one = {**options, "number_of_frames": 1}
    values, properties = decoder.as_array(encapsulate([data]), index=0, **one)
    return values, str(properties["photometric_interpretation"])


def _check_codestream(data: bytes, syntax: Any, options: dict[str, Any]) -> None:
    """Refuse what would need more memory than the header says, or more time than it is worth."""
    size = codestream_size(data)
    if size is not None and (size[0] > options["rows"] or size[1] > options["columns"]):
        raise PictureError(
            f"damaged: the compressed frame is {size[0]} × {size[1]} pixels, the header says "
            f"{options['rows']} × {options['columns']}"
        )
    if syntax in _JPEG_LS and not data.rstrip(b"\0").endswith(b"\xff\xd9"):
        # CharLS can spend minutes on a stream that ends without its end marker.
        raise PictureError("the file is truncated within a JPEG-LS frame")


def _jpeg(data: bytes, syntax: Any, options: dict[str, Any]) -> tuple[NDArray[Any], str]:
    """Decode JPEG with 12 bits, or lossless, by imagecodecs (libjpeg-turbo), which pydicom does not know.

    What it refuses is left to the GPL decoder of the extra ``gpl``, where that is installed.
    """
    import imagecodecs

    photometric = str(options["photometric_interpretation"])
    ybr = photometric.startswith("YBR")
    colour: dict[str, Any] = {"colorspace": "YCBCR" if ybr else "RGB", "outcolorspace": "RGB"}
    try:
        values = imagecodecs.jpeg8_decode(data, **(colour if options["samples_per_pixel"] == 3 else {}))
    except Exception as error:
        if find_spec("libjpeg") is not None:
            return _by_pydicom(data, syntax, options)
        raise PictureError(
            f"its JPEG frame cannot be decoded ({str(error)[:80]}); if the file is whole, "
            'try pip install "semblance[gpl]"'
        ) from error
    if options.get("pixel_representation") == 1:
        spare = 8 * values.dtype.itemsize - options["bits_stored"]
        values = np.right_shift(np.left_shift(values, spare).view(f"i{values.dtype.itemsize}"), spare)
    return values, "RGB" if ybr else photometric


def _is_eight_bit_extended(syntax: Any, options: dict[str, Any]) -> bool:
    return bool(syntax == "1.2.840.10008.1.2.4.51" and options["bits_stored"] == 8)


def _inflate(data: bytes, n_bytes: int) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, n_bytes)


def _run_lengths(data: bytes) -> bytes:
    """Decode the one segment of a bit-packed frame; PS3.5 annex G, behind its header of 64 bytes."""
    import imagecodecs

    return bytes(imagecodecs.packbits_decode(data[64:]))


def _n_bytes(options: dict[str, Any]) -> int:
    n_bits = options["rows"] * options["columns"] * options["samples_per_pixel"] * options["bits_allocated"]
    return int((n_bits + 7) // 8)


def _native(data: bytes, options: dict[str, Any]) -> NDArray[Any]:
    """Give bytes of uncompressed little-endian values their shape."""
    if len(data) < _n_bytes(options):
        raise PictureError(f"damaged: a frame holds {len(data):,} of {_n_bytes(options):,} bytes")
    shape = (options["rows"], options["columns"], options["samples_per_pixel"])
    n_values = int(np.prod(shape))
    if options["bits_allocated"] == 1:
        values = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little", count=n_values)
    else:
        kind = "i" if options.get("pixel_representation") == 1 else "u"
        values = np.frombuffer(data, f"<{kind}{options['bits_allocated'] // 8}", count=n_values)
    if shape[2] == 1:
        return values.reshape(shape[:2])
    if options.get("planar_configuration") == 1:
        return np.moveaxis(values.reshape(shape[2], *shape[:2]), 0, 2)
    return values.reshape(shape)
