"""The reference table: kinds, points and images of reading matter."""

import pytest

from retrieval.metadata.reference_table import Reference, References


def read(tmp_path, *lines):
    path = tmp_path / "references.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return References.read(path).by_label


def test_all_columns_are_read_in_any_order(tmp_path):
    found = read(
        tmp_path,
        "kind,picture,label,link,title,text",
        "Anatomy,ct/1.dcm,nodule,https://example.org,Right upper lobe,a | b",
    )
    (one,) = found["nodule"]
    wanted = ("nodule", "Right upper lobe", "a | b", "https://example.org", "anatomy", "ct/1.dcm")
    assert one == Reference(*wanted)


def test_a_table_of_labels_and_titles_is_of_the_web(tmp_path):
    (one,) = read(tmp_path, "label,title", "nodule,A page")["nodule"]
    assert (one.kind, one.text, one.link, one.picture) == ("web", "", "", "")


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("", ()),
        ("one", ("one",)),
        ("one | two", ("one", "two")),
        ("- one\n- two\n\n", ("one", "two")),
        ("• -600 HU | * solid", ("-600 HU", "solid")),
        ("well-defined", ("well-defined",)),
    ],
)
def test_a_text_is_parted_into_points(text, points):
    assert Reference("nodule", "A page", text).points == points
