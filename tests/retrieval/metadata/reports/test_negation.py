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
    ],
)
def test_german(text, found):
    assert sorted(affirmed(text, TERMS)) == found


def test_an_empty_text_affirms_nothing():
    assert affirmed("", TERMS) == ()
