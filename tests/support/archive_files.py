"""Series for archives: small CT slices with all that an archive and a header want, and names planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from support.dicom_files import write_dicom

CT = "1.2.840.10008.5.1.4.1.1.2"
ROOT = "1.2.826.0.1.3680043.10.999"
PATIENT, NAME = "PLANTED-77700123", "ZYXNAME^PLANTED"


def uid(study: int, series: int | None = None, image: int | None = None) -> str:
    """Return the UID of a study, a series or an image."""
    parts = [part for part in (study, series, image) if part is not None]
    return ".".join([ROOT, *map(str, parts)])


def write_study(folder: Path, study: int, n: int = 4, *, series: int = 1, size: int = 32, **values) -> Path:
    """Write a series of n slices, which differ, into a folder of the study."""
    place = folder / f"{study}-{series}"
    place.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([study, series])
    coarse = random.integers(200, 1400, (4, 4))
    base = np.kron(coarse, np.ones((size // 4, size // 4)))
    for i in range(n):
        pixels = (base + random.normal(0, 40, base.shape) + 10 * i).clip(0, 4000).astype(np.uint16)
        header = {
            "PatientID": f"{PATIENT}-{study}",
            "PatientName": NAME,
            "PatientBirthDate": "19610203",
            "PatientSex": "O",
            "StudyInstanceUID": uid(study),
            "SeriesInstanceUID": uid(study, series),
            "FrameOfReferenceUID": uid(study, 999),
            "StudyDate": f"202601{study:02d}",
            "StudyTime": "120000",
            "StudyID": str(study),
            "AccessionNumber": f"A{study}",
            "ReferringPhysicianName": "",
            "Manufacturer": "Nobody",
            "Modality": "CT",
            "SeriesNumber": series,
            "InstanceNumber": i + 1,
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
            "RescaleSlope": "1",
            "RescaleIntercept": "-1024",
            "PixelSpacing": ["1", "1"],
            "SliceThickness": "2",
            "PositionReferenceIndicator": "",
            "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
            "ImagePositionPatient": ["0", "0", str(2 * i)],
            **values,
        }
        write_dicom(place / f"{i}.dcm", pixels, sop=CT, uid=uid(study, series, i), stored=12, **header)
    return place
