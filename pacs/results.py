"""Results as DICOM objects: one search as a structured report (TID 1500), a segmentation, and a sheet.

Objects are of the patient who was asked about. Images of others go in only as keyed references, which say
nothing without the key of the index. Codes of our own are declared in each object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PictureError
from retrieval.readers.warnings_off import quiet
from retrieval.region import Region

SCHEME = "99SEMBLANCE"
"""The designator of our own codes; 99 says that they are private (PS3.16 section 8)."""

_NAME = "Semblance"
_UNIT_LESS = ("1", "UCUM", "no units")
_MOST_HITS = 100


@dataclass(frozen=True)
class Search:
    """What is written of a search.

    Parameters
    ----------
    file : the DICOM file of the image that was asked about.
    frame : which of its images, counted from 0.
    region : the part that was asked about; None for all of it.
    hits : keyed reference and score of each image found, best first.
    facts : how it was found: recipe, reference database; short lines.
    sheet : (rows, cols, 3) uint8, the answer to look at; None to leave it out. It shows other patients.
    """

    file: Path
    frame: int = 0
    region: Region | None = None
    hits: Sequence[tuple[str, float]] = ()
    facts: Sequence[str] = field(default_factory=tuple)
    sheet: NDArray[np.uint8] | None = None


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
            made = [_report(search, image)]
            if search.region is not None and "FrameOfReferenceUID" in image:
                made.append(_segmentation(search, image, search.region))
            if search.sheet is not None:
                made.append(_sheet(search.sheet, image))
    except Exception as error:  # highdicom and pydicom refuse in many ways
        raise PictureError(
            f"{search.file.name}: no result can refer to this file ({' '.join(str(error).split())[:200]})"
        ) from error
    return made


def _code(value: str, meaning: str) -> Any:
    from highdicom.sr import CodedConcept

    return CodedConcept(value, SCHEME, meaning)


def _report(search: Search, image: Any) -> Any:
    from highdicom import sr
    from pydicom.sr.codedict import codes

    groups = [_query_group(search, image), *map(_hit_group, range(1, _MOST_HITS + 1), search.hits)]
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=_observer()),
        procedure_reported=_code("RETRIEVAL", "Retrieval of similar images"),
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
        referenced_images=[image],
    )
    report = sr.Comprehensive3DSR(
        evidence=[image],
        content=content[0],
        series_description="Similar images",
        **_equipment(9001),
    )
    _declare(report)
    return report


def _observer() -> Any:
    from highdicom import UID, sr
    from pydicom.sr.codedict import codes

    about = sr.DeviceObserverIdentifyingAttributes(uid=UID(), name=_NAME, model_name=f"{_NAME} {_version()}")
    return sr.ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=about)


def _query_group(search: Search, image: Any) -> Any:
    """Return what was asked about, and how: the region, the algorithm, and the tracking UID of the search."""
    from highdicom import UID, sr

    about: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(identifier="query", uid=UID()),
        "finding_type": _code("QUERY", "Query of a search for similar images"),
        "algorithm_id": sr.AlgorithmIdentification(_NAME, _version(), parameters=list(search.facts) or None),
    }
    # Frames are counted from 1 in references, and not named at all if there is only one.
    frames = [search.frame + 1] if _n_frames(image) > 1 else None
    if search.region is None:
        source = sr.SourceImageForMeasurementGroup.from_source_image(image, frames)
        return sr.MeasurementsAndQualitativeEvaluations(**about, source_images=[source])
    corners = search.region.polygons[0][:, ::-1]  # x to the right, y down
    # A POLYLINE is closed by its first point again (PS3.3 section C.18.6.1.2).
    closed = np.vstack([corners, corners[:1]])
    source = sr.SourceImageForRegion.from_source_image(image, frames)
    region = sr.ImageRegion(sr.GraphicTypeValues.POLYLINE, closed, source)
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(**about, referenced_region=region)


def _n_frames(image: Any) -> int:
    return int(image.get("NumberOfFrames", 1) or 1)  # absent, or empty, in a file of one image


def _hit_group(rank: int, hit: tuple[str, float]) -> Any:
    from highdicom import UID, sr

    # No image is referred to: it belongs to somebody else.
    reference, score = hit
    measured = sr.Measurement(
        name=_code("SIMILARITY", "Similarity score"), value=float(score), unit=sr.CodedConcept(*_UNIT_LESS)
    )
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(identifier=f"hit {rank}: {reference}", uid=UID()),
        finding_type=_code("HIT", "Similar image of the reference database"),
        measurements=[measured],
    )


def _segmentation(search: Search, image: Any, region: Region) -> Any:
    from highdicom import UID, seg
    from pydicom.sr.codedict import codes

    described = seg.SegmentDescription(
        segment_number=1,
        segment_label="query region",
        segmented_property_category=codes.SCT.SpatialAndRelationalConcept,
        segmented_property_type=_code("QUERYREGION", "Region of a query"),
        algorithm_type=seg.SegmentAlgorithmTypeValues.MANUAL,
        tracking_uid=UID(),
        tracking_id="query region",
    )
    mask = np.zeros((_n_frames(image), int(image.Rows), int(image.Columns)), np.uint8)
    mask[search.frame] = region.mask(mask.shape[1:])
    made = seg.Segmentation(
        source_images=[image],
        pixel_array=mask,
        segmentation_type=seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[described],
        series_description="Query region",
        **_equipment(9002),
        software_versions=_version(),
        device_serial_number="1",
        manufacturer_model_name=_NAME,
        content_label="QUERY_REGION",
    )
    _declare(made)
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
        **_equipment(9003),
    )
    # What it shows has no side; the standard wants one or a body part (PS3.3 section C.8.6.1).
    made.BodyPartExamined = str(image.get("BodyPartExamined") or "WHOLEBODY")
    made.BurnedInAnnotation = "YES"
    return made


def _equipment(number: int) -> dict[str, Any]:
    from highdicom import UID

    about = {"series_instance_uid": UID(), "sop_instance_uid": UID(), "instance_number": 1}
    return {**about, "series_number": number, "manufacturer": "The Semblance authors"}


def _declare(made: Any) -> None:
    """Say what our own codes are (PS3.3 section C.12.1.1.1, Coding Scheme Identification Sequence)."""
    from pydicom.dataset import Dataset

    scheme = Dataset()
    scheme.CodingSchemeDesignator = SCHEME
    scheme.CodingSchemeName = "Codes of Semblance"
    scheme.CodingSchemeResponsibleOrganization = "The Semblance authors"
    others = [one for one in made.get("CodingSchemeIdentificationSequence", []) if one != scheme]
    made.CodingSchemeIdentificationSequence = [*others, scheme]


def _version() -> str:
    return version("semblance")
