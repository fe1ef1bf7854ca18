"""Tiling: names of tiles and fields, grids, and what is refused."""

from __future__ import annotations

import pytest

from retrieval.errors import SettingError
from retrieval.readers.tiling import Field, Tile, Tiling, Tissue, frame_of, frames_of


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("12", 12),
        ("1.0um/12,7", Tile(1.0, 7, 12)),
        ("0.25um/0,3", Tile(0.25, 3, 0)),
        ("1.0um/4000,3000,512,512", Field(1.0, 4000, 3000, 512, 512)),
        ("2.0um/-3.5,0,10.25,10", Field(2.0, -3.5, 0, 10.25, 10)),
    ],
)
def test_a_name_says_which_part_of_a_file_is_meant(text, frame) -> None:
    assert frame_of(text) == frame
    assert str(frame) == text


@pytest.mark.parametrize("text", ["", "²", "-1", "1.0um/", "1.0um/1", "1.0um/1,2,3", "um/1,2", "1.0um/1,2x"])
def test_other_names_mean_no_part(text) -> None:
    assert frame_of(text) is None


def test_the_only_image_of_a_file_has_no_frame() -> None:
    assert frames_of("s.svs", "s.svs") is None
    assert frames_of("a#b.svs#1.0um/1,2", "a#b.svs") == [Tile(1.0, 2, 1)]


@pytest.mark.parametrize(
    ("length", "n"),
    # Tiles of 100 that share 20: they begin at 0, 80, 160, …
    [(30, 1), (100, 1), (129, 1), (130, 2), (180, 2), (209, 2), (210, 3), (260, 3)],
)
def test_a_tile_at_the_edge_is_left_out_if_less_than_half_of_it_is_there(length, n) -> None:
    assert Tiling((1.0,), 100, 20).grid((length, 100.0), 1.0) == (n, 1)


def test_a_tile_is_a_box_of_the_finest_level() -> None:
    tiling = Tiling((1.0, 4.0), 256)
    # 4 µm a pixel, of 0.5 and 0.25: a tile of 256 is 2,048 and 4,096 pixels.
    assert tiling.field(Tile(4.0, 1, 2), (0.5, 0.25), (9000, 9000)) == Field(4.0, 4096, 4096, 2048, 4096)
    assert tiling.field(Tile(4.0, 2, 4), (0.5, 0.25), (9000, 9000)) == Field(4.0, 8192, 8192, 808, 808)


def test_a_tiling_is_read_as_it_is_written() -> None:
    tiling = Tiling((4, 1, 1.0), 224, 32, Tissue(0.5, 20), 0.25, "macenko")
    assert tiling.um_per_px == (1.0, 4.0)
    assert Tiling.parse(tiling.text) == tiling


def test_tissue_is_read_from_a_command_line() -> None:
    assert Tissue.parse("off").share == 0
    assert Tissue.parse("0.5") == Tissue(0.5)
    assert Tissue.parse("0.5,30") == Tissue(0.5, 30)


@pytest.mark.parametrize("text", ["", "on", "2", "0.5,", "0.5,300", "nan"])
def test_no_other_tissue_is_read(text) -> None:
    with pytest.raises(SettingError, match=r"^tissue: "):
        Tissue.parse(text)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"um_per_px": ()}, "um_per_px: no scale"),
        ({"um_per_px": (0.0,)}, "um_per_px: 0; give 0.05 to 1000"),
        ({"um_per_px": (1.0,), "tile": 8}, "tile: 8 pixels; give 16 to 4096"),
        ({"um_per_px": (1.0,), "tile": 64, "overlap": 64}, "overlap: 64 pixels; give 0 to 63"),
        ({"um_per_px": (1.0,), "stain": "pink"}, "stain: 'pink' is none of none, reinhard, macenko"),
    ],
)
def test_a_tiling_that_makes_no_sense_is_refused(values, message) -> None:
    with pytest.raises(SettingError, match=message):
        Tiling(**values)


def test_a_damaged_tiling_is_refused() -> None:
    with pytest.raises(SettingError, match="damaged in the catalogue"):
        Tiling.parse("[1]")
