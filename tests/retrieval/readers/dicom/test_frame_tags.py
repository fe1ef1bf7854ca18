"""Tags that enhanced objects keep in functional groups; PS3.3 C.7.6.16.2."""

import numpy as np
from support.dicom_files import item, write_dicom

from retrieval.readers import read_pictures

FRAMES = np.arange(3 * 16, dtype=np.uint16).reshape(3, 4, 4)


def _tags(path):
    names = ("slice_thickness", "kvp", "laterality")
    return [tuple(p.metadata.get(name) for name in names) for p in read_pictures(path, "x")]


def test_thickness_voltage_and_side_are_those_of_the_frame(tmp_path):
    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=[1, 1], SliceThickness=2.5)],
        CTXRayDetailsSequence=[item(KVP=120)],
    )
    own = [item(FrameAnatomySequence=[item(FrameLaterality=side)]) for side in ("R", "L", "DOE JOHN")]
    own[1].PixelMeasuresSequence = [item(SliceThickness=5)]
    path = write_dicom(
        tmp_path / "x.dcm",
        FRAMES,
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=own,
    )
    # No name passes the list of terms.
    assert _tags(path) == [(2.5, 120, "R"), (5, 120, "L"), (2.5, 120, None)]


def test_groups_that_say_nothing_leave_what_is_at_the_top(tmp_path):
    groups = [item(PixelMeasuresSequence=[item(PixelSpacing=[1, 1])]) for _ in FRAMES]
    values = {"SliceThickness": 3, "KVP": 90, "ImageLaterality": "L"}
    path = write_dicom(tmp_path / "x.dcm", FRAMES, PerFrameFunctionalGroupsSequence=groups, **values)
    assert _tags(path) == [(3, 90, "L")] * 3
