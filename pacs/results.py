"""Results as DICOM objects: one search as a structured report (TID 1500), a segmentation, and a sheet.

Objects are of the patient who was asked about. Images of others go in only as keyed references, which say
nothing without the key of the index. Codes of our own are declared in each object.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import PictureError
from retrieval.readers.dicom.geometry import normal_of, numbers
from retrieval.readers.dicom.mosaic import slice_corner
from retrieval.readers.warnings_off import quiet
from retrieval.region import Region

from .matching import is_list
from .report import make_report
from .search import NAME, Search, code, declare, equipment, n_frames, software_version

MAY_BE_EMPTY = (
    "AccessionNumber", "PatientBirthDate", "PatientID", "PatientName", "PatientSex", "ReferringPhysicianName",
    "StudyDate", "StudyID", "StudyTime",
)  # fmt: skip
"""Attributes of patient and study that an object must have (PS3.3 sections C.7.1.1 and C.7.2.1)."""
_N_NUMBERS = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2, "SliceThickness": 1}
_NEEDED = ("Rows", "Columns", "SOPClassUID", "StudyInstanceUID", "SOPInstanceUID")
_CAPTURE, _CAPTURES = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7.4"
"""Secondary capture of one frame, and of several."""


def make_objects(search: Search) -> list[Any]:
    """Return the data sets of a search: the report, then the segmentation and the sheet if there are any.

    A region has no segmentation if the file does not say where it is, how thick its slice is, or where each
    of its frames is; a slice of a mosaic has none either.

    Raises
    ------
    PictureError : the file is no DICOM image that a report can refer to.
    """
    import pydicom

    try:
        with quiet():
            image = pydicom.dcmread(search.file, force=True)  # files without a preamble are read as well
            if missing := next((keyword for keyword in _NEEDED if not image.get(keyword)), None):
                raise PictureError(f"as DICOM it lacks {missing}")
            if search.part is not None and not search.part.is_of(image):
                raise PictureError("it is not the finest level of the slide, or says no size of its pixels")
            _to_unicode(image)
            _complete(image)
            kind = _put_known_class(image)
            corner = slice_corner(image, search.frame)
            # The position of a mosaic is that of no plane.
            is_placed = search.part is None and corner is None and _is_placed(image)
            if corner is not None:
                search = _on_sheet(search, corner)
            made = [make_report(search, image)]
            # Of a part of a slide the report alone says where it is.
            if search.region is not None and is_placed:
                made += _segmentations(search, image, search.region)
            if search.sheet is not None:
                made.append(_sheet(search.sheet, image))
            _refer_to_class(made, image.SOPClassUID, kind)
    except Exception as error:  # highdicom and pydicom refuse in many ways
        raise PictureError(
            f"{search.file.name}: no result can refer to this file ({' '.join(str(error).split())[:200]})"
        ) from error
    return made


def _on_sheet(search: Search, corner: tuple[int, int, int, int]) -> Search:
    """Return a search about a slice of a mosaic as one about a part of the image that the file holds."""
    top, left, rows, cols = corner
    inside = search.region or Region.box(0, 0, rows, cols)
    return replace(search, frame=0, region=Region(tuple(p + np.array([top, left]) for p in inside.polygons)))


def _to_unicode(image: Any) -> None:
    """Write the texts of a header in UTF-8 (PS3.3 section C.12.1.1.2), of which all objects are then.

    A label of the user's table may have any letter, and highdicom refuses code extensions, such as those of
    Japanese and Korean names.
    """
    image.decode()
    image.SpecificCharacterSet = "ISO_IR 192"


def _complete(image: Any) -> None:
    """Leave empty what may be empty (type 2) and is lacking or cannot be read, as where names were deleted.

    Leave out the place of an image that cannot be read.
    """
    for keyword in MAY_BE_EMPTY:
        if keyword not in image or not _is_as_meant(keyword, image[keyword].value):
            setattr(image, keyword, "")
    # Without a place that can be read there is no segmentation, and the report says no place.
    for keyword, n in _N_NUMBERS.items():
        is_zero = keyword == "ImageOrientationPatient" and normal_of(image, 0) is None
        if keyword in image and (is_zero or len(numbers(image, keyword)) != n):
            del image[keyword]
    # Who says that names were removed must say how (PS3.3 section C.7.1.1).
    if image.get("PatientIdentityRemoved") == "YES" and "DeidentificationMethodCodeSequence" not in image:
        image.DeidentificationMethod = image.get("DeidentificationMethod") or "not known"
    # This may not be empty, and an image without it has no place in space.
    if not image.get("FrameOfReferenceUID", "-"):
        del image.FrameOfReferenceUID


def _is_as_meant(keyword: str, value: Any) -> bool:
    """Tell if a date, time, sex or name can be read; highdicom refuses others."""
    from pydicom.valuerep import DA, TM

    kinds: dict[str, Any] = {"StudyDate": DA, "PatientBirthDate": DA, "StudyTime": TM}
    try:
        kinds.get(keyword, str)(value)
    except (TypeError, ValueError):
        return False
    if keyword == "PatientSex":
        return value in ("", "M", "F", "O")
    return keyword == "PatientID" or not is_list(value)


def _put_known_class(image: Any) -> Any:
    """Return the SOP class of an image, and put that of a capture in the place of one that highdicom lacks.

    It knows neither retired nor private ones.
    """
    kind = image.SOPClassUID
    if kind.is_retired or kind.is_private:
        image.SOPClassUID = _CAPTURES if n_frames(image) > 1 else _CAPTURE
    return kind


def _refer_to_class(made: list[Any], stated: Any, kind: Any) -> None:
    """Let objects refer to the image by its own SOP class."""
    for one in made if stated != kind else ():
        for element in one.iterall():
            if element.keyword == "ReferencedSOPClassUID" and element.value == stated:
                element.value = kind


def _is_placed(image: Any) -> bool:
    """Tell if a segmentation can refer to an image: it is one frame, or says where its frames are.

    Multi-frame images that are not enhanced do not, such as those of ultrasound and nuclear medicine, even if
    they are of a frame of reference (PS3.3 section C.7.4.1).
    """
    from highdicom.spatial import get_image_coordinate_system

    is_of_frame = "FrameOfReferenceUID" in image
    return is_of_frame and (n_frames(image) == 1 or get_image_coordinate_system(image) is not None)


def _segmentations(search: Search, image: Any, region: Region) -> list[Any]:
    """Return the segmentation of a region; none if the header lacks a place that highdicom looks for.

    Nor if it lacks the thickness of the slice, which a segmentation must give (PS3.3 section C.7.6.16.2.1).
    """
    try:
        made = _segmentation(search, image, region)
    except AttributeError:
        return []
    measures = made.SharedFunctionalGroupsSequence[0].get("PixelMeasuresSequence", ())
    return [] if any(one.get("SliceThickness") in (None, "") for one in measures) else [made]


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
    # Of an image without a position it must be there, and may be empty (PS3.3 section C.7.6.1).
    is_plain = "ImagePositionPatient" not in image and n_frames(image) == 1
    if (is_plain or image.Modality == "SM") and "PatientOrientation" not in made:
        made.PatientOrientation = image.get("PatientOrientation", "")
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
    # Images of any part and side: the standard wants one or the other (PS3.3 sections C.7.3.1 and C.8.6.1).
    made.BodyPartExamined = "WHOLEBODY"
    made.BurnedInAnnotation = "YES"
    return made
