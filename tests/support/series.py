"""Series: generated DICOM slices of patients, whose looks change smoothly along the body."""

import cv2
import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset

ROWS = (1.0, 0.0, 0.0)
UP = (ROWS, (0.0, 1.0, 0.0))


def look(patient, height, side=32):
    """Return a slice, uint8 (side, side): a body and what it holds at a height in [0, 1]."""
    random = np.random.default_rng(patient)
    image = np.full((side, side), 10.0)
    cv2.ellipse(image, (side // 2, side // 2), (13, 10), 0, 0, 360, 120, -1)
    hole = 2 + 6 * np.sin(np.pi * np.clip(height, 0, 1))
    for sign in (-1, 1):
        cv2.circle(image, (side // 2 + sign * 6, side // 2), int(hole), 30, -1)
    cv2.circle(image, (side // 2, int(4 + 20 * height)), 2, 250, -1)
    image += random.normal(0, 6, image.shape) + random.uniform(-8, 8)
    return np.clip(image, 0, 255).astype(np.uint8)


def write_slice(path, pixels, *, patient, series, corner, axes=UP, instance=1, **values):
    """Write one slice as uncompressed DICOM; ``corner`` and ``axes`` as in the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = f"1.2.3.{abs(hash(str(path))) % 10**9}"
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.Modality, dataset.PatientID = "CT", patient
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"1.2.4.{series}", f"1.2.5.{series}"
    dataset.ImagePositionPatient = [round(float(value), 6) for value in corner]
    dataset.ImageOrientationPatient = [float(value) for axis in axes for value in axis]
    dataset.InstanceNumber, dataset.SliceThickness = instance, 5
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = pixels.tobytes()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_series(folder, patient, n=10, *, shuffle=0, axes=UP, first=0.0, step=5.0):
    """Write a series along its normal, ``000.dcm`` lowest; instance numbers are shuffled by a seed."""
    normal = np.cross(*axes)
    instances = np.random.default_rng(shuffle).permutation(n) + 1
    for i in range(n):
        write_slice(
            folder / f"{i:03d}.dcm",
            look(patient, i / (n - 1)),
            patient=f"P{patient}",
            series=f"{patient + 1}",
            corner=normal * (first + step * i),
            axes=axes,
            instance=int(instances[i]),
        )
    return folder
