"""The head of a stored file is what pydicom would have written."""

from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import dcmread
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID

from pacs.file_meta import file_head

UIDS = st.from_regex(r"1(\.(0|[1-9][0-9]{0,5})){1,8}", fullmatch=True)


@given(UIDS, UIDS, UIDS)
def test_equals_that_of_general_data_sets(kind: str, uid: str, syntax: str) -> None:
    from pynetdicom.dsutils import create_file_meta

    meta = create_file_meta(sop_class_uid=UID(kind), sop_instance_uid=UID(uid), transfer_syntax=UID(syntax))
    expected = BytesIO()
    write_file_meta_info(expected, meta)
    assert file_head(kind, uid, syntax) == b"\0" * 128 + b"DICM" + expected.getvalue()


def test_is_read_back() -> None:
    head = file_head("1.2.840.10008.5.1.4.1.1.2", "1.2.3", "1.2.840.10008.1.2.1")
    meta = dcmread(BytesIO(head)).file_meta
    assert (meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID) == ("1.2.3", "1.2.840.10008.1.2.1")
