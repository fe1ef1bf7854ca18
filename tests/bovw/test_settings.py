"""The settings of a bag of words, and how they are shared out between detector and bag."""

from __future__ import annotations

from dataclasses import fields

import pytest

import bovw
from bovw.detectors import DETECTORS
from bovw.settings import WordSettings
from cli.options.representation_flags import explanations
from retrieval.errors import SettingError
from retrieval.registry import DEFAULT

BAD = [
    ("longest_side", 15),
    ("longest_side", 65537),
    ("descriptor", "surf"),
    ("patch_normalise", "all"),
    ("patch_side", 0),
    ("gradient_sigma", -1.0),
    ("gradient_sigma", float("nan")),
    ("components", -1),
    ("position", -0.1),
    ("position", float("inf")),
    ("words", 0),
    ("words", 1),
    ("words", 65537),
    ("tone_words", 1),
    ("tone_words", -2),
    ("tone_weight", 1.01),
    ("tone_weight", float("nan")),
    ("tf", "tfidf"),
    ("norm", "l3"),
    ("weigh_points", "size"),
    ("stop", 1.0),
    ("stop", -0.1),
    ("assignments", 0),
    ("assignments", 17),
    ("softness", 0.0),
    ("approximate_above", -1),
    ("fit_pictures", 0),
    ("seed", -1),
]


@pytest.mark.parametrize(("name", "value"), BAD, ids=[f"{name}={value}" for name, value in BAD])
def test_a_bad_value_is_refused_on_the_line_that_wrote_it(name, value):
    more = {"descriptor": "patch"} if name.startswith("patch") else {}
    with pytest.raises(SettingError) as refused:
        bovw.superpixel(**more, **{name: value})
    message = str(refused.value)
    assert str(value) in message
    assert "\n" not in message


@pytest.mark.parametrize("name", DETECTORS)
def test_a_misspelt_setting_is_an_error_that_suggests_the_right_one(name):
    make = getattr(bovw, name)
    for misspelt, meant in (
        ("point", "points"),
        ("longest_sid", "longest_side"),
        ("tone_wieght", "tone_weight"),
    ):
        with pytest.raises(SettingError, match=f"{name} has no setting '{misspelt}'; did you mean {meant}"):
            make(**{misspelt: 5})


def test_a_setting_that_resembles_nothing_is_answered_with_all_there_are():
    with pytest.raises(SettingError, match=r"; it has .*, assignments, .*, words"):
        bovw.sift(zzz=5)


def test_a_setting_of_another_detector_is_refused():
    with pytest.raises(SettingError, match="compactness"):
        bovw.dense(compactness=0.2)


@pytest.mark.parametrize("name", DETECTORS)
def test_detector_and_bag_share_no_name(name):
    assert not {f.name for f in fields(DETECTORS[name])} & {f.name for f in fields(WordSettings)}


@pytest.mark.parametrize("name", DETECTORS)
def test_every_setting_is_explained(name):
    representation = getattr(bovw, name)()
    explained = {k for part in representation.parts for k, v in explanations(part).items() if v}
    assert representation.settings.keys() <= explained


def test_settings_reach_detector_and_bag():
    made = bovw.dense(scales=[3, 5.0], points=77, words=9, tf="log")
    assert (made.detector.scales, made.detector.points) == ((3, 5.0), 77)
    assert (made.chosen.words, made.chosen.tf) == (9, "log")


def test_a_descriptor_gets_its_own_settings_only():
    assert WordSettings(descriptor="fine", gradient_sigma=1.5).of_descriptor() == {"gradient_sigma": 1.5}
    assert WordSettings(descriptor="rootsift").of_descriptor() == {}
    patch = WordSettings(descriptor="patch", patch_side=7, patch_normalise="mean")
    assert patch.of_descriptor() == {"side": 7, "normalise": "mean"}


def test_the_words_of_the_default_are_installed_detectors():
    assert set(bovw.WORDS) <= DETECTORS.keys() & DEFAULT.keys()
