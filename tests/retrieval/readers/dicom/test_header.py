import hashlib

import pytest
from pydicom.dataset import Dataset

from retrieval.readers.dicom.header import METADATA, any_issuer_of, groups_of, metadata_of
from retrieval.readers.pseudonym import hashed


def _dataset(**values):
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def test_the_hash_is_keyed_blake2b():
    expected = hashlib.blake2b(b"P1", digest_size=8, key=b"salt", person=b"patient").hexdigest()
    assert hashed(b"salt", "patient", "P1") == expected
    assert len(expected) == 16


def test_salt_kind_and_value_each_change_the_hash():
    hashes = {hashed(b"a", "study", "1"), hashed(b"b", "study", "1"), hashed(b"a", "series", "1")}
    assert len(hashes | {hashed(b"a", "study", "2")}) == 4


def test_long_salts_and_odd_text_are_hashed_too():
    assert hashed(b"s" * 1000, "patient", "Ünï\udce9\0") != hashed(b"s" * 1001, "patient", "Ünï\udce9\0")


def test_groups_hide_the_identifiers():
    dataset = _dataset(PatientID="P1", StudyInstanceUID="1.2", SeriesInstanceUID="1.2.3")
    groups = groups_of(dataset, b"s")
    assert groups == {
        "patient": hashed(b"s", "patient", "P1"),
        "study": hashed(b"s", "study", "1.2"),
        "series": hashed(b"s", "series", "1.2.3"),
    }


def test_missing_and_blank_identifiers_give_no_group():
    for patient in ("  ", "-", "???"):
        assert groups_of(_dataset(PatientID=patient, StudyInstanceUID=""), b"") == {}


@pytest.mark.parametrize("patient", ["ANONYMOUS", "anonymized ", "Anonymous^Patient", "N/A", "de-identified"])
def test_a_word_that_stands_for_anybody_is_no_patient(patient):
    dataset = _dataset(PatientID=patient, IssuerOfPatientID="HOSPITAL", StudyInstanceUID="1.2")
    assert list(groups_of(dataset, b"")) == ["study"]
    assert any_issuer_of(dataset, b"") == {}


def test_a_patient_whose_number_holds_such_a_word_is_one():
    assert "patient" in groups_of(_dataset(PatientID="ANON-17"), b"")


def test_two_issuers_make_two_patients():
    one, other = (groups_of(_dataset(PatientID="7", IssuerOfPatientID=who), b"") for who in ("A", "B"))
    assert one["patient"] != other["patient"]


def test_only_the_allow_list_gets_through():
    dataset = _dataset(
        PatientName="Doe^Jane",
        PatientBirthDate="19700101",
        AccessionNumber="A17",
        StudyDescription="Jane's head",
        SeriesInstanceUID="1.2.3",
        StudyDate="20240101",
        Modality="CT",
        KVP="120",
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        InstanceNumber="12",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
    )
    assert metadata_of(dataset) == {
        "modality": "CT",
        "kvp": 120.0,
        "image_type": "ORIGINAL/PRIMARY/AXIAL",
        "instance_number": 12,
        "sop_class": "CT Image Storage",
    }


def test_the_allow_list_names_no_person_date_or_uid():
    for _, keyword, _ in METADATA:
        assert not any(
            word in keyword for word in ("Name^", "Patient", "Date", "Time", "UID", "Accession", "ID")
        )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("keyword", [keyword for _, keyword, _ in METADATA])
@pytest.mark.parametrize("typed", ["DOE 19610203", "Doe^Jane", "DOE", "19610203", "CHEST\\DOE"])
def test_what_was_typed_into_the_wrong_field_is_dropped_or_hashed(keyword, typed):
    dataset = Dataset()
    dataset.add_new(keyword, "LO", typed)
    for value in metadata_of(dataset, b"s").values():
        assert "DOE" not in str(value).upper()
        assert "19610203" not in str(value)


@pytest.mark.filterwarnings("ignore")
def test_terms_are_kept_in_the_spelling_of_the_standard():
    dataset = _dataset(
        BodyPartExamined="Chest Abdomen", ViewPosition="mlo ", Laterality="l", ImageType=["ORIGINAL", "J DOE"]
    )
    assert metadata_of(dataset) == {
        "body_part": "CHESTABDOMEN",
        "view_position": "MLO",
        "laterality": "L",
        "image_type": "ORIGINAL",
    }


def test_makers_go_by_the_names_of_a_list_and_others_by_hashes():
    known = metadata_of(_dataset(Manufacturer="SIEMENS Jane Doe"), b"s")
    assert known == {"manufacturer": "Siemens"}
    values = [
        metadata_of(_dataset(Manufacturer=maker, ManufacturerModelName="X1"), salt)
        for maker, salt in (("Doe & Co", b"s"), ("DOE  & CO", b"s"), ("Doe & Co", b"t"))
    ]
    assert values[0]["manufacturer"].startswith("#")
    assert values[0] == values[1] != values[2]


def test_numbers_that_could_be_dates_or_patients_are_dropped():
    assert metadata_of(_dataset(InstanceNumber="19610203", KVP="120", SliceThickness="-4")) == {"kvp": 120.0}


@pytest.mark.filterwarnings("ignore")
def test_damaged_elements_are_left_out():
    dataset = _dataset(Modality="MR", Manufacturer="\0\n")
    dataset.add_new("SliceThickness", "DS", "3.0")
    dataset["SliceThickness"]._value = float("nan")
    assert metadata_of(dataset) == {"modality": "MR"}


def test_a_private_class_gives_no_uid_away():
    assert "sop_class" not in metadata_of(_dataset(SOPClassUID="1.2.3.4.5"))
