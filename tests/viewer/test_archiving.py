"""Results into an archive: a tile or field of a slide, which is no frame of its file, in its own place."""

from types import SimpleNamespace

import numpy as np
import pytest
from support.slides import write_dicom_slide

from retrieval.errors import PictureError
from retrieval.picture import Picture
from retrieval.region import Region
from viewer.archiving import store_search
from viewer.queries.query import Query

pytestmark = pytest.mark.filterwarnings("ignore")
_PATIENT = "PatientName PatientBirthDate PatientSex StudyID StudyDate StudyTime AccessionNumber "
EMPTY = dict.fromkeys((_PATIENT + "ReferringPhysicianName").split(), "")


@pytest.fixture
def stored(monkeypatch):
    """What is stored in an archive."""
    pytest.importorskip("highdicom")
    made = []
    monkeypatch.setattr("pacs.store.store_objects", lambda _, objects: made.extend(objects) or len(objects))
    return made


def _slide(tmp_path, um_per_px):
    about = {**EMPTY, "SeriesNumber": 1, "InstanceNumber": 1}
    return write_dicom_slide(tmp_path / "wsi.dcm", np.zeros((600, 700, 3), np.uint8), um_per_px, **about)


def _store(path, part, box, region):
    picture = Picture(np.zeros((64, 64), np.float32), f"wsi.dcm#{part}", metadata=box)
    answer = SimpleNamespace(rows=[], by="dense", findings=None)
    return store_search(_Index(), Query(picture.id, picture, path=path), answer, region, None)


class _Index:
    def info(self):
        return {"representations": []}

    def __len__(self):
        return 0


def _outline(report):
    (found,) = [one for one in report.iterall() if one.keyword == "GraphicData"]
    (origin,) = [one.value for one in report.iterall() if one.keyword == "PixelOriginInterpretation"]
    assert not [one for one in report.iterall() if one.keyword == "ReferencedFrameNumber"]
    points = np.reshape(found.value, (-1, 2))
    return origin, [*points.min(0), *np.ptp(points, axis=0)]


@pytest.mark.parametrize(
    ("um_per_px", "box", "region", "wanted"),
    [
        # The tile 3,2 of 64 pixels at the scale of its file, then at half of that.
        (1.0, (192, 128, 64, 64), Region.box(12, 10, 16, 20), [202, 140, 20, 16]),
        (0.5, (384, 256, 128, 128), Region.box(12, 10, 16, 20), [404, 280, 40, 32]),
        (0.5, (384, 256, 128, 128), None, [384, 256, 128, 128]),
    ],
)
def test_a_tile_is_outlined_on_the_whole_of_its_slide(tmp_path, stored, um_per_px, box, region, wanted):
    about = {"um_per_px": 1.0, **dict(zip(("x", "y", "width", "height"), map(float, box), strict=True))}
    assert _store(_slide(tmp_path, um_per_px), "1.0um/3,2", about, region).n_objects == 1
    assert _outline(stored[0]) == ("VOLUME", wanted)


def test_a_file_of_another_level_is_refused(tmp_path, stored):
    box = {"um_per_px": 1.0, "x": 192.0, "y": 128.0, "width": 64.0, "height": 64.0}
    with pytest.raises(PictureError, match=r"wsi\.dcm: no result can refer .* finest level of the slide"):
        _store(_slide(tmp_path, 0.5), "1.0um/3,2", box, None)
    assert stored == []
