"""The report of a search (TID 1500): what was asked about, what was found, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from retrieval.answers.enrichment import Finding, Findings

from .search import NAME, Search, code, declare, equipment, n_frames, software_version

_UNIT_LESS = ("1", "UCUM", "no units")
_MOST_HITS = 100
_MOST_FINDINGS = 50
_MOST_OUTLINES = 20


def make_report(search: Search, image: Any) -> Any:
    """Return the report of a search about an image, a data set of pydicom."""
    from highdicom import sr
    from pydicom.sr.codedict import codes

    groups = [
        *_query_groups(search, image),
        *map(_hit_group, range(1, _MOST_HITS + 1), search.hits),
        *_finding_groups(search.findings),
    ]
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=_observer()),
        procedure_reported=code("RETRIEVAL", "Retrieval of similar images"),
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
        referenced_images=_library(image),
    )
    report = sr.Comprehensive3DSR(
        evidence=[image],
        content=content[0],
        series_description="Similar images",
        **equipment(9001),
    )
    declare(report)
    return report


def _library(image: Any) -> list[Any] | None:
    """Return the image for the library of the report, which may be left out (TID 1600).

    None for enhanced images, whose places are of frames, and for others that lack what it says of a modality:
    an empty thickness of CT, or a radiograph without the spacing of its detector.
    """
    from highdicom.sr import ImageLibraryEntryDescriptors

    try:
        ImageLibraryEntryDescriptors(image)
    except (AttributeError, IndexError, TypeError, ValueError):
        return None
    return [image]


def _observer() -> Any:
    from highdicom import UID, sr
    from pydicom.sr.codedict import codes

    about = sr.DeviceObserverIdentifyingAttributes(
        uid=UID(), name=NAME, model_name=f"{NAME} {software_version()}"
    )
    return sr.ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=about)


def _query_groups(search: Search, image: Any) -> Iterator[Any]:
    """Yield what was asked about, and how: the region, the algorithm, and the tracking UID of the search."""
    from highdicom import UID, sr

    parameters = list(search.facts) or None
    about: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(identifier="query", uid=UID()),
        "finding_type": code("QUERY", "Query of a search for similar images"),
        "algorithm_id": sr.AlgorithmIdentification(NAME, software_version(), parameters=parameters),
    }
    # Frames are counted from 1 in references, and not named at all if there is only one.
    frames = [search.frame + 1] if n_frames(image) > 1 else None
    if search.part is None and search.region is None:
        source = sr.SourceImageForMeasurementGroup.from_source_image(image, frames)
        yield sr.MeasurementsAndQualitativeEvaluations(**about, source_images=[source])
        return
    # Pixels are those of the frame, of a slide in tiles as well (PS3.3 section C.18.6).
    origin = sr.PixelOriginInterpretationValues.FRAME if _is_tiled(image) else None
    frames = [search.frame + 1] if origin else frames
    region = search.region
    if search.part is not None:
        # A tile at a scale of its own is no frame: its pixels are given on the whole slide.
        origin, frames = sr.PixelOriginInterpretationValues.VOLUME, None
        region = search.part.in_matrix(region)
    assert region is not None  # asked before
    # One group an outline, all of one tracking UID; holes are in the segmentation alone.
    for polygon in region.polygons[:_MOST_OUTLINES]:
        corners = polygon[:, ::-1]  # x to the right, y down
        # A POLYLINE is closed by its first point again (PS3.3 section C.18.6.1.2).
        closed = np.vstack([corners, corners[:1]])
        source = sr.SourceImageForRegion.from_source_image(image, frames)
        outline = sr.ImageRegion(sr.GraphicTypeValues.POLYLINE, closed, source, origin)
        yield sr.PlanarROIMeasurementsAndQualitativeEvaluations(**about, referenced_region=outline)


def _is_tiled(image: Any) -> bool:
    return "TotalPixelMatrixRows" in image and "TotalPixelMatrixColumns" in image


def _finding_groups(findings: Findings | None) -> Iterator[Any]:
    """Yield a group for each label of the matching cases, the least probable first."""
    from highdicom import UID, sr

    for number, one in enumerate(() if findings is None else findings.labels[:_MOST_FINDINGS], 1):
        assert findings is not None
        # A label is text of the user's table; its name is the only place of free text in a group.
        numbers = [*_counts(one), *_probabilities(*findings.p_values(one))]
        yield sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=sr.TrackingIdentifier(identifier=f"finding {number}: {one.label}", uid=UID()),
            finding_type=code("FINDING", "Label that matching cases share"),
            measurements=[_measured(*number) for number in numbers],
        )


def _counts(one: Finding) -> list[tuple[str, str, float]]:
    return [
        ("FOUND", "Matching cases with the label", one.found),
        ("MATCHING", "Matching cases", one.drawn),
        ("LABELLED", "Cases of the reference database with the label", one.labelled),
        ("CASES", "Cases of the reference database", one.total),
        ("SHARE", "Share of the label among matching cases", one.share),
        ("SHARELOW", "Share, lower end of the 95 % interval", one.low),
        ("SHAREHIGH", "Share, upper end of the 95 % interval", one.high),
        ("ENRICHMENT", "Share, as a multiple of that by chance", one.enrichment),
    ]


def _probabilities(p: float | None, adjusted: float | None) -> list[tuple[str, str, float]]:
    """Return p and corrected p; nothing if they are withheld."""
    if p is None or adjusted is None:
        return []
    return [("P", "p, Fisher's exact test", p), ("PHOLM", "p, corrected by Holm for all labels", adjusted)]


def _measured(value: str, meaning: str, number: float) -> Any:
    from highdicom import sr

    return sr.Measurement(name=code(value, meaning), value=float(number), unit=sr.CodedConcept(*_UNIT_LESS))


def _hit_group(rank: int, hit: tuple[str, float]) -> Any:
    from highdicom import UID, sr

    # No image is referred to: it belongs to somebody else.
    reference, score = hit
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(identifier=f"hit {rank}: {reference}", uid=UID()),
        finding_type=code("HIT", "Similar image of the reference database"),
        measurements=[_measured("SIMILARITY", "Similarity score", score)],
    )
