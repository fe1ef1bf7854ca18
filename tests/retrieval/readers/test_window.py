import tracemalloc

import numpy as np
import pytest

from retrieval.errors import SettingError
from retrieval.readers.window import PRESETS, Window, looks_like_hounsfield, robust, stretch


@pytest.mark.parametrize("text", ["auto", "full", *PRESETS, "40,400", "-600,1500", "0.5,0.25", "1e-07,1e+16"])
def test_text_is_what_was_parsed(text):
    assert Window.parse(text).text == text
    assert Window.parse(Window.parse(text).text) == Window.parse(text)


def test_writing_does_not_matter():
    assert Window.parse(" Lung ") == Window("lung")
    assert Window.parse("soft-tissue") == Window.parse("abdomen")
    assert Window.parse("40.0 , 4e2") == Window("", 40, 400)


@pytest.mark.parametrize(
    "text", ["", "lungs", "40", "40,0", "40,-1", "nan,400", "40,inf", "40,400,1", "40;400", ",", "40,"]
)
def test_nonsense_is_refused_with_the_presets_named(text):
    with pytest.raises(SettingError, match="mediastinum"):
        Window.parse(text)


def test_nonsense_is_refused_by_the_constructor():
    for arguments in ({"name": "x"}, {"name": ""}, {"name": "lung", "centre": 1.0, "width": 2.0}):
        with pytest.raises(SettingError):
            Window(**arguments)


def test_a_preset_holds_for_hounsfield_units_only():
    assert Window("brain").limits(hounsfield=True) == (0, 80)
    assert Window("brain").limits(hounsfield=False) is None
    assert Window("", 40, 400).limits(hounsfield=False) == (-160, 240)
    assert Window().limits(hounsfield=True) is None


def test_a_ramp_keeps_its_ends():
    assert robust(np.arange(4096, dtype=np.uint16)) == (0, 4095)


def test_outliers_are_cut():
    values = np.arange(10_000, dtype=np.float32)
    values[:3] = 1e6
    low, high = robust(values)
    assert 0 <= low < 60
    assert 9900 < high < 9999.1


def test_a_small_object_on_a_flat_ground_is_seen():
    values = np.zeros((100, 100), dtype=np.int16)
    values[50, 50] = 7
    assert robust(values) == (0, 7)


def test_empty_and_constant_values_have_a_range_of_nothing():
    assert robust(np.empty(0)) == (0, 0)
    assert robust(np.full(9, -3)) == (-3, -3)


def test_large_pictures_are_thinned_evenly():
    values = np.tile(np.arange(2048, dtype=np.uint16), (2048, 1))
    assert robust(values) == (0, 2047)


def test_full_takes_the_extremes():
    assert Window("full").measured(np.array([5, -2, 1e9])) == (-2, 1e9)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_limits_become_0_and_1(kind):
    pixels = stretch(np.array([0, 10, 20, 30, 40], dtype=kind), (10, 30))
    assert pixels.dtype == np.float32
    assert pixels.tolist() == [0, 0, 0.5, 1, 1]


def test_equal_limits_make_a_step():
    assert stretch(np.array([1, 2, 3]), (2, 2)).tolist() == [0, 0, 1]


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_the_values_stay_as_they_were(kind):
    values = np.array([0, 10, 20, 30, 40], dtype=kind)
    stretch(values, (10, 30))
    assert values.tolist() == [0, 10, 20, 30, 40]


def test_a_large_picture_is_stretched_within_its_own_memory():
    values = np.zeros((2000, 2000), dtype=np.uint8)
    tracemalloc.start()
    try:
        stretch(values, (0, 255))
        assert tracemalloc.get_traced_memory()[1] < 1.1 * 4 * values.size
    finally:
        tracemalloc.stop()


def test_all_16_bits_survive():
    pixels = stretch(np.arange(65536, dtype=np.uint16), (0, 65535))
    assert len(np.unique(pixels)) == 65536


def test_a_range_beyond_floats_stays_finite():
    most = float(np.finfo(np.float64).max)
    pixels = stretch(np.array([-most, 0, most]), (-most, most))
    np.testing.assert_allclose(pixels, [0, 0.5, 1])


def test_air_gives_hounsfield_units_away():
    assert looks_like_hounsfield(np.array([-1000] * 5 + [50] * 95))
    assert not looks_like_hounsfield(np.arange(100))
    assert not looks_like_hounsfield(np.empty(0))
