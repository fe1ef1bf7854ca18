"""Results as DICOM objects: one search as a structured report (TID 1500), a segmentation, and a sheet.

Objects are of the patient who was asked about. Images of others go in only as keyed references, which say
nothing without the key of the index. Codes of our own are declared in each object.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PictureError
from retrieval.readers.warnings_off import quiet
from retrieval.region import Region

from .report import make_report
from .search import NAME, Search, code, declare, equipment, n_frames, software_version


def make_objects(search: Search) -> list[Any]:
    """Return the data sets of a search: the report, then the segmentation and the sheet if there are any.

    Raises
    ------
    PictureError : the file is no DICOM image that a report can refer to.
    """
    import pydicom

    try:
        with quiet():
            image = pydicom.dcmread(search.file)
            image.Rows, image.StudyInstanceUID, image.SOPInstanceUID  # noqa: B018  # none may be missing
            if search.part is not None and not search.part.is_of(image):
                raise PictureError("it is not the finest level of the slide, or says no size of its pixels")
            made = [make_report(search, image)]
            # Of a part of a slide the report alone says where it is.
            if search.region is not None and search.part is None and "FrameOfReferenceUID" in image:
                made.append(_segmentation(search, image, search.region))
            if search.sheet is not None:
                made.append(_sheet(search.sheet, image))
    except Exception as error:  # highdicom and pydicom refuse in many ways
        raise PictureError(
            f"{search.file.name}: no result can refer to this file ({' '.join(str(error).split())[:200]})"
        ) from error
    return made


def _segmentation(search: Search, image: Any, region: Region) -> Any:
    from highdicom import UID, seg
    from pydicom.sr.codedict import codes

    described = seg.SegmentDescription(
        segment_number=1,
        segment_label="query region",
        segmented_property_category=codes.SCT.SpatialAndRelationalConcept,
        segmented_property_type=code("QUERYREGION", "Region of a query"),
        algorithm_type=seg.SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=UID(),
        tracking_id="query region",
    )
    mask = np.zeros((n_frames(image), int(image.Rows), int(image.Columns)), np.uint8)
    mask[search.frame] = region.mask(mask.shape[1:])
    made = seg.Segmentation(
        source_images=[image],
        pixel_array=mask,
        segmentation_type=seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[described],
        series_description="Query region",
        **equipment(9002),
        software_versions=software_version(),
        device_serial_number="1",
        manufacturer_model_name=NAME,
        content_label="QUERY_REGION",
    )
    declare(made)
    return made


def _sheet(sheet: NDArray[np.uint8], image: Any) -> Any:
    from highdicom.sc import SCImage

    made = SCImage.from_ref_dataset(
        ref_dataset=image,
        pixel_array=sheet,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=["L", "F"],
        series_description="Similar images: sheet",
        **equipment(9003),
    )
    # What it shows has no side; the standard wants one or a body part (PS3.3 section C.8.6.1).
    made.BodyPartExamined = str(image.get("BodyPartExamined") or "WHOLEBODY")
    made.BurnedInAnnotation = "YES"
    return made
