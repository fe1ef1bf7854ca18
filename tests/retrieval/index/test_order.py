"""Orders: what is asked for, on an index that is there or a new one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from retrieval.errors import OptionError, SettingError
from retrieval.index.catalogue.recipe import with_settings
from retrieval.index.order import Order, bring_up_to_date


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "scans").mkdir()
    for number in range(3):
        levels = rng.integers(0, 255, (24, 32), dtype=np.uint8)
        Image.fromarray(levels).save(tmp_path / "scans" / f"{number}.png")
    return tmp_path


def test_settings_that_were_given_replace_those_of_the_index() -> None:
    merged = with_settings("sift", {"words": 5, "unknown": 1}, {"words": 3, "points": 7})
    assert merged == {"words": 5, "points": 7}


def test_a_new_index_gets_the_default_and_an_old_one_keeps_its_own(folder: Path) -> None:
    order = Order(folder / "i", [folder / "scans"], by=["thumbnail"], jobs=1, default={"colour": {}})
    assert bring_up_to_date(order).representations == ("thumbnail",)
    again = bring_up_to_date(Order(folder / "i", [folder / "scans"], jobs=1, default={"colour": {}}))
    assert again.representations == ("thumbnail",)
    assert (again.n_pictures, again.report.unchanged) == (3, 3)
    new = Order(folder / "new", [folder / "scans"], jobs=1, default={"colour": {}})
    assert bring_up_to_date(new).representations == ("colour",)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"by": ["nothing"]}, "--by: 'nothing' is not installed"),
        (
            {"by": ["thumbnail"], "settings": {"no_words": 5}},
            "--no-words: none of thumbnail has this setting",
        ),
    ],
)
def test_an_order_that_makes_no_sense_names_the_flag(folder: Path, changed: dict, said: str) -> None:
    with pytest.raises(OptionError) as refused:
        bring_up_to_date(Order(folder / "i", [folder / "scans"], jobs=1, **changed))
    assert refused.value.by_flags.startswith(said)


def test_a_folder_that_is_not_there_is_refused_before_anything_is_written(folder: Path) -> None:
    with pytest.raises(SettingError, match="no such folder"):
        bring_up_to_date(Order(folder / "i", [folder / "nowhere"], by=["thumbnail"]))
    assert not (folder / "i").exists()
