"""Facts about cases in an index where some images name no patient: volumes count, no slices."""

import cv2
import numpy as np
import pytest
from support.patients import blots, parity

from retrieval.baselines import Thumbnail
from retrieval.errors import SettingError
from retrieval.index.search.group_cases import case_column
from retrieval.index.search.joined_cases import joined_cases
from retrieval.index.storage.annotations import Annotations
from retrieval.index.writer import IndexWriter
from retrieval.metadata.groups import keep_together
from retrieval.metadata.label_table import LabelTable
from retrieval.picture import Picture
from viewer.findings import withheld_note

N_PATIENTS, N_SLICES = 10, 6


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Ten patients of one image each, and two series of six slices that name no patient."""
    place = tmp_path_factory.mktemp("mixed")
    (place / "in").mkdir()
    lines = ["path,label,patient,series"]
    for i in range(N_PATIENTS + 2 * N_SLICES):
        own = f"p{i}," if i < N_PATIENTS else f",s{i % 2}"
        assert cv2.imwrite(str(place / f"in/{i:02}.png"), blots(i))
        lines.append(f"{i:02}.png,{parity(i)},{own}")
    (place / "l.csv").write_text("\n".join([*lines, ""]))
    with IndexWriter.create(place / "i") as writer:
        writer.add_representation(Thumbnail(12))
        writer.update([place / "in"], jobs=1, labels=LabelTable.read(place / "l.csv"))
        yield writer


@pytest.mark.parametrize("column", [None, "patient"])
def test_findings_count_volumes_where_no_patient_is_named(index, column):
    found = index.find_labels("01.png", k=5, group_by=column)
    assert (found.column, found.total) == ("patient", N_PATIENTS - 1 + 2)
    odd = next(one for one in found.labels if one.label == "odd")
    assert (odd.labelled, odd.total) == (4 + 1, 11)


def test_the_other_slices_of_a_query_without_a_patient_are_its_own_case(index):
    assert index.find_labels("10.png", k=5).total == N_PATIENTS + 1
    # So are those of a file that is none of the index.
    asked = Picture(blots(99).astype(np.float32) / 255, "new", groups={"series": "s1"})
    assert index.find_labels(asked, k=5).total == N_PATIENTS + 1


@pytest.mark.parametrize("side", ["like", "unlike"])
def test_cases_that_were_chosen_as_liked_or_disliked_confirm_no_label(index, side):
    assert index.find_labels("01.png", k=5, **{side: ["03.png"]}).total == N_PATIENTS + 2 - 2
    # All slices of a volume without a patient are its case.
    assert index.find_labels("01.png", k=5, **{side: ["10.png", "03.png"]}).total == N_PATIENTS + 2 - 3


def test_findings_of_what_a_condition_leaves_out_are_not_called_unlabelled(index):
    with pytest.raises(SettingError, match="those with one are of the query's own patient or left out"):
        index.find_labels("01.png", where="id = '01.png'")
    with pytest.raises(SettingError, match="others have, which conditions"):
        index.classify("01.png", where="id = '01.png'")
    with pytest.raises(SettingError, match="index with --labels"):
        index.classify("01.png", label_of="study")


def test_a_concept_withholds_findings_as_it_may_have_learnt_their_labels():
    said = withheld_note(["deep+nca", "concept fat"])
    assert said.startswith("deep+nca learnt from these labels and keeps nothing")
    assert said.endswith("; and concept fat may have been learnt from these labels; ask without --concept")


def test_whatever_counts_cases_counts_the_same(index):
    def numbers(snapshot):
        column, groups = Annotations(snapshot).groups(None)
        return column, case_column(snapshot), len(set(groups)), len(np.unique(joined_cases(snapshot, column)))

    assert index.ask(numbers) == ("patient", "patient", 12, 12)


def test_a_volume_is_ranked_against_volumes(index):
    hits = index.query_volume(["10.png", "12.png"], group_by="patient", k=99)
    assert len(hits) == 12 and sorted(hit.case.n for hit in hits)[-2:] == [N_SLICES, N_SLICES]


def test_an_image_without_a_patient_is_of_the_one_patient_of_its_study():
    patient = [("A",), (), ("B",), (), ("C",), ()]
    study = [("s",), ("s",), ("t",), ("t",), ("t",), ()]
    a, b, c = (("patient", (name,)) for name in "ABC")
    found = keep_together(6, [("patient", patient), ("study", study)])
    # A study of two patients, as a slide may be of, leaves open whose an image is.
    assert list(found) == [a, a, b, ("study", ("t",)), c, None]
