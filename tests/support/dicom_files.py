"""DICOM files: written with any transfer syntax, bits and module that a test needs."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate

EXPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def item(**values):
    """Return a sequence item."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def texture(seed=0, shape=(16, 16), top=255):
    """Return a random image, uint8 or uint16, of values up to ``top``."""
    values = np.random.default_rng(seed).integers(0, top + 1, shape)
    return values.astype(np.uint8 if top < 256 else np.uint16)


def write_dicom(path, pixels, *, syntax=EXPLICIT, sop=CAPTURE, uid="1.2.3.4", frames=None, **values):
    """Write pixels of a shape (frames, rows, cols[, 3]) or less; or compressed ``frames`` of that shape.

    ``bits``, ``stored`` and ``high`` are those of a value; other values are elements of the header.
    """
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = syntax, sop, uid
    order = {"is_implicit_VR": False, "is_little_endian": syntax != BIG_ENDIAN}
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128), **order)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop, uid
    is_colour = pixels.ndim > 2 and pixels.shape[-1] == 3
    rows, cols = pixels.shape[-3:-1] if is_colour else pixels.shape[-2:]
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = rows, cols, 3 if is_colour else 1
    if is_colour:
        dataset.PlanarConfiguration = 0
    n_frames = len(frames) if frames else pixels.size // (rows * cols * (3 if is_colour else 1))
    if n_frames > 1:
        dataset.NumberOfFrames = n_frames
    dataset.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
    bits = 8 * pixels.dtype.itemsize
    stored = values.pop("stored", bits)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, stored, values.pop("high", stored - 1)
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    if frames:
        dataset.PixelData = encapsulate([frame + bytes(len(frame) % 2) for frame in frames])
        dataset["PixelData"].VR = "OB"
    else:
        data = pixels.astype(pixels.dtype.newbyteorder(">" if syntax == BIG_ENDIAN else "<")).tobytes()
        dataset.PixelData = data + bytes(len(data) % 2)
        dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    dataset.save_as(path, enforce_file_format=True)
    return Path(path)
