"""A search that is written as DICOM objects, and what all of these objects say: our codes, who made them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.answers.enrichment import Findings
from retrieval.readers.dicom.slide_part import is_at_finest
from retrieval.readers.tiling import Field
from retrieval.region import Region

SCHEME = "99SEMBLANCE"
"""The designator of our own codes; 99 says that they are private (PS3.16 section 8)."""

NAME = "Semblance"


@dataclass(frozen=True)
class Part:
    """A tile or field of a slide: its box in pixels of the finest level, and its own (rows, cols)."""

    field: Field
    shape: tuple[int, int]

    def in_matrix(self, region: Region | None) -> Region:
        """Return a region of the part, all of it by default, in pixels of the finest level."""
        box, (rows, cols) = self.field, self.shape
        inside = Region.box(0, 0, rows, cols) if region is None else region
        scale = np.array([box.height / rows, box.width / cols])
        return Region(tuple(polygon * scale + (box.y, box.x) for polygon in inside.polygons))

    def is_of(self, image: Any) -> bool:
        """Whether a data set holds the finest level."""
        return is_at_finest(image, self.field, self.shape)


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
    part : the tile or field of a slide that was asked about, in place of a frame; None if it was a frame.
    findings : labels that are common among the cases found, with their statistics; None if not asked for.
    """

    file: Path
    frame: int = 0
    region: Region | None = None
    hits: Sequence[tuple[str, float]] = ()
    facts: Sequence[str] = field(default_factory=tuple)
    sheet: NDArray[np.uint8] | None = None
    findings: Findings | None = None
    part: Part | None = None


def code(value: str, meaning: str) -> Any:
    """Return one of our own codes; a meaning has 64 characters at most."""
    from highdicom.sr import CodedConcept

    return CodedConcept(value, SCHEME, meaning)


def n_frames(image: Any) -> int:
    """Return how many frames an image has."""
    return int(image.get("NumberOfFrames", 1) or 1)  # absent, or empty, in a file of one image


def equipment(number: int) -> dict[str, Any]:
    """Return what highdicom asks for in each object: new UIDs, the number of its series, and who made it."""
    from highdicom import UID

    about = {"series_instance_uid": UID(), "sop_instance_uid": UID(), "instance_number": 1}
    return {**about, "series_number": number, "manufacturer": "The Semblance authors"}


def declare(made: Any) -> None:
    """Say what our own codes are (PS3.3 section C.12.1.1.1, Coding Scheme Identification Sequence)."""
    from pydicom.dataset import Dataset

    scheme = Dataset()
    scheme.CodingSchemeDesignator = SCHEME
    scheme.CodingSchemeName = "Codes of Semblance"
    scheme.CodingSchemeResponsibleOrganization = "The Semblance authors"
    # highdicom has named the schemes that it knows; one object may be declared twice.
    others = [one for one in made.get("CodingSchemeIdentificationSequence", []) if one != scheme]
    made.CodingSchemeIdentificationSequence = [*others, scheme]


def software_version() -> str:
    """Return our version."""
    return version("semblance")
