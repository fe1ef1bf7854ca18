"""The report about a tile of a slide: its pixels are those of the tile."""

import numpy as np
import pytest
from pydicom import dcmread
from support.slides import write_dicom_slide

from pacs.report import make_report
from pacs.search import Search
from retrieval.readers.dicom.regions import regions_of, target_of
from retrieval.region import Region

_PATIENT = "PatientName PatientBirthDate PatientSex StudyID StudyDate StudyTime AccessionNumber "
_EMPTY = _PATIENT + "ReferringPhysicianName"


@pytest.mark.filterwarnings("ignore")
def test_a_region_of_a_tile_is_read_back_on_that_tile(tmp_path):
    about = dict.fromkeys(_EMPTY.split(), "") | {"SeriesNumber": 1, "InstanceNumber": 1}
    slide = write_dicom_slide(tmp_path / "slide.dcm", np.zeros((512, 512, 3), np.uint8), **about)
    region = Region.box(12, 10, 16, 20)
    report = make_report(Search(slide, 3, region), dcmread(slide))
    report.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    found = [regions_of(tmp_path / "report.dcm", target_of(slide, n)) for n in range(4)]
    assert [len(regions) for regions in found] == [0, 0, 0, 1]
    np.testing.assert_array_equal(found[3][0].mask, region.mask((256, 256)))
