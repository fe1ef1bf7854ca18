"""Why files cannot be read is said in our own sentences, whatever a header or a library says."""

import errno

import numpy as np
import pytest
from support.dicom_files import texture, write_dicom

from retrieval.errors import PictureError
from retrieval.readers import read_pictures
from retrieval.readers.reasons import reason_of

NAME = "DOE^JANE\x1b[31m"


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (ValueError(f"image file is truncated near {NAME}"), "truncated"),
        (RuntimeError(f"CRC of {NAME} is wrong"), "checksum"),
        (NotImplementedError(f"{NAME} is not supported"), "not supported"),
        (OSError("decoder jpeg2k not available"), "not supported"),
        (OSError("could not create decoder object"), "it is damaged (OSError)"),  # WebP that was cut off
        (OSError(f"cannot identify image file '{NAME}'"), "header is damaged"),
        (KeyError(NAME), "it is damaged (KeyError)"),
        (OSError(errno.EACCES, f"nobody may read {NAME}", NAME), "Permission denied"),
        (MemoryError(NAME), "needs more memory than it may have"),
    ],
)
def test_nothing_of_a_library_s_text_is_kept(error, meaning):
    reason = reason_of(error)
    assert meaning in reason
    assert "DOE" not in reason
    assert "\x1b" not in reason


def test_our_own_errors_are_kept_as_they_are():
    assert reason_of(PictureError("no pixel has a finite value")) == "no pixel has a finite value"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("keyword", ["PhotometricInterpretation", "Modality", "SOPClassUID"])
def test_a_name_in_the_place_of_a_term_is_not_quoted(tmp_path, keyword):
    path = write_dicom(tmp_path / "x.dcm", texture(), **{keyword: NAME})
    try:
        said = [str(picture.metadata) for picture in read_pictures(path, "x.dcm")]
    except PictureError as error:
        said = [str(error)]
    assert "DOE" not in said[0]


def test_an_unknown_transfer_syntax_is_not_quoted(tmp_path):
    path = write_dicom(tmp_path / "x.dcm", texture(), frames=[bytes(16)], syntax="1.2.840.10008.1.2.4.50")
    data = path.read_bytes().replace(b"1.2.840.10008.1.2.4.50", b"1.2.276.19610203.42.50")
    path.write_bytes(data)
    with pytest.raises(PictureError, match="unknown transfer syntax") as caught:
        list(read_pictures(path, "x.dcm"))
    assert "19610203" not in str(caught.value)


def test_the_name_of_a_missing_file_of_values_is_not_quoted(tmp_path):
    header = "NRRD0004\ntype: uchar\ndimension: 2\nsizes: 4 4\nencoding: raw\ndata file: DOE_JANE.raw\n\n"
    (tmp_path / "x.nhdr").write_text(header)
    with pytest.raises(PictureError, match="not beside it") as caught:
        list(read_pictures(tmp_path / "x.nhdr", "x.nhdr"))
    assert "DOE" not in str(caught.value)
    (tmp_path / "DOE_JANE.raw").write_bytes(np.arange(16, dtype=np.uint8).tobytes())
    assert len(list(read_pictures(tmp_path / "x.nhdr", "x.nhdr"))) == 1
