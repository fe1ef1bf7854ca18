"""Addresses of archives."""

import pytest

from retrieval.errors import SettingError
from retrieval.readers.archive import Address


def test_an_address_has_a_scheme_a_place_and_filters():
    address = Address.parse("dicomweb:http://host:8042/dicom-web/?StudyDate=20260101-&Modality=CT")
    assert address.scheme == "dicomweb"
    assert address.place == "http://host:8042/dicom-web"
    assert address.filters == {"StudyDate": "20260101-", "Modality": "CT"}


def test_one_archive_has_one_address_however_it_is_typed():
    text = "dicomweb:http://h/dw?Modality=CT&StudyDate=20260101-"
    assert str(Address.parse("dicomweb:http://h/dw/?StudyDate=20260101-&Modality=CT")) == text
    assert str(Address.parse(text)) == text


def test_messages_show_no_filters_which_may_name_a_patient():
    assert Address.parse("dicomweb:http://h/dw?PatientName=ZYXNAME").shown == "dicomweb:http://h/dw"


@pytest.mark.parametrize("text", ["scans", "/scans", "C:\\scans", "dicomweb:", "://x", "", "A b:c"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(SettingError, match="no address of an archive"):
        Address.parse(text)


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(SettingError, match="holds a user or a password") as caught:
        Address.parse("dicomweb:http://user:secret@host/dw")
    assert "secret" not in str(caught.value)
