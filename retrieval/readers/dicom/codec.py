"""DICOM codecs: one compressed frame becomes its stored values."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import PictureError
from ..codestream import Codestream, bare_j2k, codestream, is_cut_off, with_end
from .bits import bit_shift, signed, stored_values
from .header import syntax_name
from .syntaxes import (
    BASELINE,
    DEFLATED_FRAMES,
    EXTENDED,
    JPEG,
    JPEG_2000,
    JPEG_LS,
    LOSSLESS_JPEG,
    PLAIN_FRAMES,
    REVERSIBLE,
    RLE,
    true_syntax,
)
from .ybr import rgb_of, with_true_colours

Decoded = tuple[NDArray[Any], str]
"""(rows, cols) or (rows, cols, samples), and the photometric interpretation of these values."""
Decode = Callable[[bytes, Any, dict[str, Any]], Decoded]


def decode_frame(data: bytes, syntax: Any, options: dict[str, Any]) -> Decoded:
    """Decode one encapsulated frame.

    Parameters
    ----------
    data : the compressed bytes of the frame.
    syntax : the transfer syntax, a pydicom UID.
    options : pydicom's decoding options, those of the whole file, and ``high_bit``.

    Returns
    -------
    values, photometric : (rows, cols) or (rows, cols, samples), and the photometric interpretation;
        YBR_FULL is RGB by then.
    """
    stated = codestream(data)
    syntax = true_syntax(syntax, stated)
    _check_codestream(stated, syntax, options)
    if syntax in JPEG_2000:
        data = bare_j2k(data)
    if syntax in JPEG | JPEG_LS | JPEG_2000:
        given, data = data, with_end(data)
    if syntax in (PLAIN_FRAMES, DEFLATED_FRAMES):
        plain = data if syntax == PLAIN_FRAMES else _inflate(data, _n_bytes(options))
        values = _native(plain, options)
        values = stored_values(values, options)
        return rgb_of(values, str(options["photometric_interpretation"]), options["bits_stored"])
    if syntax == RLE and options["bits_allocated"] == 1:
        return _native(_run_lengths(data), options), options["photometric_interpretation"]
    values, photometric = _stored(data, syntax, options, stated)
    if syntax in JPEG and is_cut_off(given, values):
        raise PictureError("the file is truncated within a JPEG frame")
    return values, photometric


def _stored(data: bytes, syntax: Any, options: dict[str, Any], stated: Codestream | None) -> Decoded:
    if bit_shift(options):
        return _shifted(data, syntax, options, stated)
    values, photometric = _first_that_can(data, syntax, options, stated)
    if syntax in REVERSIBLE and (values.dtype.kind == "u" or options.get("pixel_representation") == 1):
        values = stored_values(values, options)  # overlays or noise above them were compressed as well
    return values, photometric


def _shifted(data: bytes, syntax: Any, options: dict[str, Any], stated: Codestream | None) -> Decoded:
    """Decode a frame whose values are not the lowest bits of their words; PS3.5 section 8.2.

    A codestream as deep as the words holds the words; one as deep as the values holds the values.
    """
    holds_words = stated is None or stated.bits > options["bits_stored"]
    plain = {**options, "correct_unused_bits": False}
    if holds_words:  # their sign is that of the word until the value is cut out
        plain["bits_stored"] = options["bits_allocated"]
    values, photometric = _first_that_can(data, syntax, plain, stated)
    return stored_values(values, options) if holds_words else values, photometric


def _first_that_can(data: bytes, syntax: Any, options: dict[str, Any], stated: Codestream | None) -> Decoded:
    """Try one decoder after the other: each refuses some streams that another reads.

    Raises what the first one says if none can.
    """
    first: Exception | None = None
    options = with_true_colours(options, stated, syntax)
    for decode in _decoders(syntax, options, stated):
        try:
            values, photometric = decode(data, syntax, options)
            _check_shape(values, options)
            return signed(values, options), photometric
        except Exception as error:  # decoders fail in many ways
            first = first or error
    raise first if first is not None else PictureError(f"{syntax_name(syntax)} cannot be decoded")


def _decoders(syntax: Any, options: dict[str, Any], stated: Codestream | None) -> list[Decode]:
    if syntax in JPEG:
        if (
            stated is not None
            and stated.adobe == 1
            and str(options["photometric_interpretation"])[:3] == "YBR"
        ):
            # Pillow turns what an Adobe segment calls YCbCr into RGB, and pydicom would do so once more.
            return [_jpeg]
        # Pillow, by pydicom, knows 8 bits alone; libjpeg-turbo, by imagecodecs, all but hierarchical JPEG.
        eight = syntax == BASELINE or (syntax == EXTENDED and options["bits_stored"] == 8)
        ours: list[Decode] = [_by_pydicom, _jpeg] if eight else [_jpeg]
        return [*ours, _by_pydicom] if find_spec("libjpeg") is not None and not eight else ours
    if syntax in JPEG_LS:
        return [_by_pydicom, _jpeg_ls]
    # OpenJPEG both times, but imagecodecs accepts streams whose headers disagree with the file's.
    return [_by_pydicom, _jpeg_2000] if syntax in JPEG_2000 else [_by_pydicom]


def _by_pydicom(data: bytes, syntax: Any, options: dict[str, Any]) -> Decoded:
    from pydicom.encaps import encapsulate
    from pydicom.pixels import get_decoder

    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise PictureError(f"{syntax_name(syntax)} cannot be decoded; convert the file to another") from None
    # pydicom decodes encapsulated data only: the frame is wrapped again, alone. Planes are those of the file
    # before it was compressed.
    one = {**options, "number_of_frames": 1, "planar_configuration": 0}
    values, properties = decoder.as_array(encapsulate([data]), index=0, **one)
    return values, str(properties["photometric_interpretation"])


def _check_codestream(stated: Codestream | None, syntax: Any, options: dict[str, Any]) -> None:
    """Refuse what would need more memory than the header says, or far more time than it should."""
    size = (options["rows"], options["columns"])
    if stated is not None and stated.bits > options["bits_allocated"]:
        raise PictureError(
            f"damaged: the compressed frame has values of {stated.bits} bits, and the header says that "
            f"{options['bits_allocated']} were allocated"
        )
    if stated is not None and (stated.rows, stated.cols) != size:
        found = f"{stated.rows} × {stated.cols} pixels, the header says {size[0]} × {size[1]}"
        raise PictureError(f"damaged: the compressed frame is {found}")
    if syntax in JPEG_2000 and stated is None:
        raise PictureError("damaged: its JPEG 2000 frame has no codestream")


def _check_shape(values: NDArray[Any], options: dict[str, Any]) -> None:
    expected = (options["rows"], options["columns"], options["samples_per_pixel"])
    if values.shape != (expected[:2] if expected[2] == 1 else expected):
        raise PictureError(f"damaged: a frame has the shape {values.shape}, the header says {expected}")


def _jpeg(data: bytes, syntax: Any, options: dict[str, Any]) -> Decoded:
    """Decode JPEG of 8 to 16 bits, sequential, progressive or lossless, by libjpeg-turbo of imagecodecs."""
    import imagecodecs

    photometric = str(options["photometric_interpretation"])
    ybr = photometric.startswith("YBR")
    # libjpeg-turbo converts no colours of lossless JPEG.
    is_kept = ybr and syntax in LOSSLESS_JPEG
    made = "YCBCR" if is_kept else "RGB"
    colour: dict[str, Any] = {"colorspace": "YCBCR" if ybr else "RGB", "outcolorspace": made}
    try:
        values = imagecodecs.jpeg8_decode(data, **(colour if options["samples_per_pixel"] == 3 else {}))
    except Exception as error:
        raise PictureError(
            'its JPEG frame cannot be decoded; if the file is whole, try pip install "semblance[gpl]"'
        ) from error
    if is_kept:
        return rgb_of(values, "YBR_FULL", options["bits_stored"])
    return signed(values, options), "RGB" if ybr else photometric


def _jpeg_ls(data: bytes, syntax: Any, options: dict[str, Any]) -> Decoded:
    """Decode JPEG-LS by CharLS of imagecodecs, which reads some streams that pyjpegls refuses."""
    import imagecodecs

    values = imagecodecs.jpegls_decode(data)
    return rgb_of(signed(values, options), str(options["photometric_interpretation"]), options["bits_stored"])


def _jpeg_2000(data: bytes, syntax: Any, options: dict[str, Any]) -> Decoded:
    """Decode JPEG 2000 by OpenJPEG of imagecodecs, which gives RGB of YBR_RCT and YBR_ICT."""
    import imagecodecs

    values = imagecodecs.jpeg2k_decode(data)
    if options["samples_per_pixel"] == 1:
        values = signed(values, options)
    photometric = str(options["photometric_interpretation"])
    made = "RGB" if photometric in ("YBR_RCT", "YBR_ICT") else photometric
    return rgb_of(values, made, options["bits_stored"])


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
    # C.7.6.3.1.3: planar configuration 1 keeps each colour in a plane of its own.
    if shape[2] == 1:
        return values.reshape(shape[:2])
    if options.get("planar_configuration") == 1:
        return np.moveaxis(values.reshape(shape[2], *shape[:2]), 0, 2)
    return values.reshape(shape)
