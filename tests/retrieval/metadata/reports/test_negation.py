"""Facts about denials: what a sentence affirms, in English and German."""

import pytest

from retrieval.metadata.reports import read_terms
from retrieval.metadata.reports.negation import affirmed

TERMS = read_terms()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Large left pleural effusion.", ["effusion"]),
        ("No pleural effusion or pneumothorax.", []),
        ("No effusion, mass in the left lobe.", ["mass"]),
        ("No effusion, pneumothorax or consolidation.", []),
        ("Small effusion but no pneumothorax.", ["effusion"]),
        ("There is no evidence of hemorrhage, edema or infarct.", []),
        ("Emphysema was ruled out.", []),
        ("A nodule is not seen.", []),
        ("Pneumonia cannot be excluded.", ["pneumonia"]),
        ("No change in consolidation.", ["consolidation"]),
        ("The patient denied fever. Nodule in the right lung.", ["nodule"]),
        ("No fracture.\nFracture of the left ulna, without swelling", ["fracture"]),
        ("Lesion of 2.5 cm with calcifications", ["calcification"]),
        ("NO EFFUSION. EMPHYSEMA.", ["emphysema"]),
        ("This doesn't show an effusion; there isn’t any mass.", []),
        ("Nil effusion.", []),
        ("Fracture of the ulna, not displaced.", ["fracture"]),
        ("An effusion can't be excluded.", ["effusion"]),
        ("Could not entirely exclude a mass.", ["mass"]),
        ("We cannot see a mass.", []),
        ("The nodule is not enlarged compared to the prior study.", ["nodule"]),
        ("No enlargement of the known nodule.", ["nodule"]),
        ("No evidence of progression of the emphysema.", ["emphysema"]),
        ("Non-calcified nodule; the other nodule is not calcified.", ["nodule"]),
        ("A mass not seen previously.", ["mass"]),
        ("Pneumothorax is no longer seen.", []),
        ("The effusion has resolved; the edema has partially resolved.", ["edema"]),
        ("Interval resolution of the consolidation.", []),
        ("Pneumonia was never seen.", []),
        ("Opacity, unlikely to represent pneumonia.", ["opacity"]),
        ("Evaluate for pneumothorax.", []),
        ("No lung nodule or mass is seen, effusion on the left.", ["effusion"]),
        ("No consolidation, effusion or mass is seen.", []),
        ("The mass is large and an effusion is not seen.", ["mass"]),
        ("No abnormality other than a small effusion.", ["effusion"]),
        ("No fracture and there is an effusion.", ["effusion"]),
        ("Stone w/o obstruction, neg. for hernia.", ["stone"]),
        ("Fails to demonstrate effusion.", []),
        ("The heart is mildly enlarged.", ["cardiomegaly"]),
        ("The heart is not enlarged.", []),
        ("No interval development of pneumothorax.", []),
        ("The previously described nodule cannot be identified today.", []),
        ("No enhancement of the cyst, no sign of the mass.", ["cyst"]),
        ("He does not have emphysema; nothing to suggest pneumonia.", []),
        ("We were unable to exclude a mass.", ["mass"]),
        ("CT without contrast shows a mass without contrast enhancement.", ["mass"]),
    ],
)
def test_english(text, found):
    assert sorted(affirmed(text, TERMS)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Großer Pleuraerguss links, ohne Pneumothorax.", ["effusion"]),
        ("Kein Pleuraerguss, kein Pneumothorax.", []),
        ("Kein Nachweis einer Fraktur oder eines Hämatoms.", []),
        ("Ein Pleuraerguss ist nicht nachweisbar.", []),
        ("Weder Erguss noch Pneumothorax.", []),
        ("Lungen frei von Infiltraten.", []),
        ("Keine Raumforderung, jedoch Rundherd rechts.", ["nodule"]),
        ("Milchglastrübungen beidseits.", ["ground glass"]),
        ("Unverändert Lungenemphysem.", ["emphysema"]),
        ("Keine Zunahme des Pleuraergusses.", ["effusion"]),
        ("Eine Pneumonie ist nicht auszuschließen.", ["pneumonia"]),
        ("Pneumothorax: nein. Erguss: klein.", ["effusion"]),
        ("Hirnödem, keine Blutung.", ["edema"]),
        ("Pneumonie nicht ausgeschlossen.", ["pneumonia"]),
        ("Pneumonie nicht sicher ausgeschlossen.", ["pneumonia"]),
        ("Pneumonie ausgeschlossen.", []),
        ("Eine Pneumonie kann nicht sicher ausgeschlossen werden.", ["pneumonia"]),
        ("Keinerlei Pleuraergüsse.", []),
        ("Nicht dislozierte Fraktur.", ["fracture"]),
        ("Nicht verkalkter Rundherd.", ["nodule"]),
        ("Keine Anreicherung der Zyste.", ["cyst"]),
        ("Ein Tumor ist eher unwahrscheinlich.", []),
        ("Der Pleuraerguss ist nicht größer geworden.", ["effusion"]),
        ("Der Pleuraerguss hat nicht zugenommen.", ["effusion"]),
        ("Kein Nachweis einer Zunahme des Ergusses.", ["effusion"]),
        ("Noch Erguss rechts.", ["effusion"]),
        ("Ein Erguss ist sonographisch nicht mehr nachweisbar.", []),
        ("Eine Fraktur liegt nicht vor.", []),
        ("Ein Pneumothorax besteht nicht.", []),
        ("Ergüsse fehlen.", []),
        ("Der Pneumothorax hat sich vollständig zurückgebildet.", []),
        ("Kein V.a. Pneumonie.", []),
        ("Keine Raumforderung bis auf eine kleine Zyste.", ["cyst"]),
        ("Während kein Erguss besteht, zeigt sich ein Emphysem.", ["emphysema"]),
        ("CT ohne KM: Raumforderung ohne Anreicherung.", ["mass"]),
        ("Bronchopneumonie, das Herz deutlich vergrößert.", ["cardiomegaly", "pneumonia"]),
    ],
)
def test_german(text, found):
    assert sorted(affirmed(text, TERMS)) == found


def test_a_text_without_full_stops_is_read_in_a_time_that_grows_with_it():
    # A hundred thousand characters that each rule could be tried on; a square of that would take hours.
    assert affirmed("no " + "mass is not , large " * 5_000, TERMS) == ("mass",)


def test_an_empty_text_affirms_nothing():
    assert affirmed("", TERMS) == ()
