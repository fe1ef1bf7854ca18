"""Facts about what is found among the entry points of installed packages."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from retrieval.baselines import Thumbnail
from retrieval.errors import IndexFolderError, NotInstalledError, SettingError
from retrieval.evidence.local_features import LocalSettings, make_local_features
from retrieval.index.catalogue import recipe
from retrieval.registry import LOCAL_FEATURES, REPRESENTATIONS, installed, load, make, refuse_unknown


@pytest.fixture
def lame(monkeypatch):
    """Install ``lame``, in both groups, whose package imports something that is not there."""
    entries = EntryPoints(
        EntryPoint("lame", "no_such_package.inside:lame", group)
        for group in (REPRESENTATIONS, LOCAL_FEATURES)
    )
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **chosen: entries.select(**chosen))


def test_names_are_listed_in_order_and_load_nothing(lame):
    assert installed() == installed(LOCAL_FEATURES) == ["lame"]
    assert installed("semblance.nothing") == []


def test_a_representation_is_made_with_its_settings_and_defaults():
    assert load("thumbnail") is Thumbnail
    assert make("thumbnail").settings == Thumbnail().settings
    assert make("colour", {"bins": 4}).settings["bins"] == 4


def test_what_is_not_installed_is_an_error_that_names_what_is():
    with pytest.raises(
        NotInstalledError, match=r"^'magic' is not installed; one of asmk, .*thumbnail"
    ) as caught:
        make("magic")
    assert caught.value.package is None


def test_what_cannot_be_loaded_is_an_error_that_names_its_package(lame):
    message = r"^'lame' cannot be loaded \(No module named 'no_such_package'\); install what it needs$"
    with pytest.raises(NotInstalledError, match=message) as caught:
        load("lame")
    assert caught.value.package == "no_such_package"


def test_an_index_and_local_features_say_what_to_install(lame):
    with pytest.raises(IndexFolderError, match=r"pip install 'semblance\[no_such_package\]'"):
        recipe.make("lame", {}, {})
    with pytest.raises(IndexFolderError, match=r"provides it \(semblance.representations\)"):
        recipe.make("magic", {}, {})
    with pytest.raises(SettingError, match=r"^features: 'lame' cannot be loaded"):
        make_local_features("lame", LocalSettings())
    with pytest.raises(SettingError, match=r"^features: 'magic' are not installed; give one of lame$"):
        make_local_features("magic", LocalSettings())


def test_a_misspelt_setting_is_refused_with_the_nearest_one():
    refuse_unknown("sift", ["words"], ["words", "points"])
    with pytest.raises(SettingError, match=r"^sift has no setting 'wrods'; did you mean words\?$"):
        refuse_unknown("sift", ["wrods"], ["words", "points"])
    with pytest.raises(SettingError, match=r"has no setting 'x'; it has points, words$"):
        refuse_unknown("sift", ["x"], ["words", "points"])
