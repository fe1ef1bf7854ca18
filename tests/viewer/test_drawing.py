"""Drawings, panels, the points command, and files that are written whole."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bovw.keypoints import Keypoints
from cli.main import main
from retrieval.errors import SemblanceError, SettingError
from viewer.drawing import ORANGE, YELLOW, canvas, draw_borders, draw_points, heat_map
from viewer.files import write_picture, write_text
from viewer.legend import density_sign, point_signs
from viewer.panels import MARGIN, Panel, arrange, font, shorten, wrap


def black(rows: int, cols: int) -> np.ndarray:
    return np.zeros((rows, cols, 3), dtype=np.uint8)


def test_a_canvas_keeps_the_shape_and_the_grey_levels() -> None:
    drawing, factor = canvas(np.full((20, 40), 0.5, dtype=np.float32), 80)
    assert drawing.shape == (40, 80, 3)
    assert factor == 2
    assert np.all(drawing == 128)


def test_a_canvas_of_a_line_has_an_extent() -> None:
    assert canvas(np.ones((1, 10_000), dtype=np.float32), 100)[0].shape == (1, 100, 3)


def test_a_point_is_drawn_where_it_lies() -> None:
    drawn = draw_points(black(80, 80), Keypoints.of([9.5], [19.5], [5.0]), 2.0, oriented=False)
    assert tuple(drawn[20, 40]) == YELLOW
    # σ = 5 pixels of a picture that is drawn twice as large: blue, ten pixels to the right.
    red, _, blue = drawn[20, 49:52].max(axis=0).astype(int)
    assert blue > 2 * red > 0
    assert not drawn[20, 45:47].any()


def test_the_line_points_along_the_orientation() -> None:
    down = Keypoints.of([20], [20], [10.0], [np.pi / 2])
    drawn = draw_points(black(60, 60), down, 1.0, oriented=True)
    assert tuple(drawn[26, 20]) == ORANGE
    assert not drawn[14, 20].any()


def test_no_points_leave_the_drawing_as_it_is() -> None:
    ground = black(10, 10)
    assert np.array_equal(draw_points(ground, Keypoints.empty(), 1.0, True), ground)


def test_borders_lie_between_regions() -> None:
    regions = np.repeat([[0, 1]], 4, axis=0).repeat(4, axis=1).astype(np.int32)
    drawn = draw_borders(black(8, 16), regions)
    assert {tuple(p) for p in drawn[:, 8]} == {ORANGE}
    assert not drawn[:, :8].any()
    assert not drawn[:, 9:].any()


def test_the_heat_map_is_brightest_where_points_fall() -> None:
    drawn = heat_map(np.array([[0.25, 0.75]] * 5), (40, 80)).astype(int).sum(axis=2)
    assert np.unravel_index(drawn.argmax(), drawn.shape) == (10, 60)
    dark = heat_map(np.empty((0, 2)), (40, 80))
    assert len(np.unique(dark.reshape(-1, 3), axis=0)) == 1


def test_a_point_on_the_far_edge_stays_inside() -> None:
    assert heat_map(np.array([[1.0, 1.0]]), (10, 10)).shape == (10, 10, 3)


def test_panels_stand_side_by_side() -> None:
    white = np.full((10, 300, 3), 255, dtype=np.uint8)
    one = arrange([[Panel(white, "a", "b")]])
    two = arrange([[Panel(white, "a", "b")] * 2], "heading")
    assert two.width - one.width > 300
    assert two.height > one.height
    assert one.width == 300 + 2 * MARGIN


def test_the_text_of_a_wide_sheet_is_larger_since_a_screen_shrinks_it() -> None:
    def lines_of_ink(side: int) -> float:
        sheet = np.asarray(arrange([[Panel(black(20, side) + np.uint8(255), "title")]])).min(axis=2)
        return np.ptp(np.flatnonzero((sheet < 128).any(axis=1))) / sheet.shape[1]

    assert lines_of_ink(2400 - 2 * MARGIN) == pytest.approx(lines_of_ink(1200 - 2 * MARGIN), rel=0.1)


def test_long_texts_are_cut_in_their_middle() -> None:
    cut = shorten("a" * 50 + "b" * 50, 200, 18)
    assert cut.startswith("aa") and cut.endswith("bb") and "…" in cut
    assert font(18).getlength(cut) <= 200
    assert shorten("abc", 200, 18) == "abc"
    assert shorten("abc", 1, 18) == "…"


def test_long_captions_are_broken_into_lines_and_keep_their_numbers() -> None:
    text = "score 0.8334; covering the 20 % that it points to lowers it by 0.5006"
    lines = wrap(text, 200, 19)
    assert len(lines) > 1 and " ".join(lines) == text
    assert all(font(19).getlength(line) <= 200 for line in lines)
    assert wrap("", 200, 19) == [""]
    assert wrap("a" * 200, 200, 19)[0].count("…") == 1
    narrow = np.zeros((10, 200, 3), dtype=np.uint8)
    one, several = (arrange([[Panel(narrow, caption=caption)]]) for caption in ("a", text))
    assert several.height > one.height + 19


def test_many_points_leave_the_image_to_be_seen() -> None:
    """400 points on an image of 512², drawn as the command does: each dot whole, most of the image free."""
    places = np.random.default_rng(0).uniform(20, 300, (400, 2))
    points = Keypoints.of(places[:, 0], places[:, 1], np.geomspace(2, 20, 400))
    grey = np.full((900, 900, 3), 128, dtype=np.uint8)
    drawn = draw_points(grey, points, 900 / 320, oriented=False)
    assert np.all(drawn == 128, axis=2).mean() > 0.4
    x, y = (np.round((places[:, [1, 0]] + 0.5) * 900 / 320 - 0.5)).astype(int).T
    assert np.mean(np.all(drawn[y, x] == YELLOW, axis=1)) > 0.95


def test_circles_are_seen_on_a_bright_and_on_a_dark_ground() -> None:
    point = Keypoints.of([19.5], [19.5], [5.0])
    for ground in (0, 255):
        drawn = draw_points(black(80, 80) + np.uint8(ground), point, 2.0, oriented=False).astype(int)
        ring = drawn[40, 46:54]
        assert (ring[:, 2] - ring[:, 0]).max() > 100  # blue
        assert ring.sum(axis=1).min() < 200  # and a dark edge


def test_a_legend_draws_what_it_names() -> None:
    plain, oriented = point_signs(False, False), point_signs(True, True)
    assert [sign.meaning for sign in plain] == ["interest point", "its scale (the radius)"]
    assert len(oriented) == 4
    assert all(not np.array_equal(a.drawing, b.drawing) for a, b in pairwise(oriented))
    assert YELLOW in {tuple(pixel) for pixel in plain[0].drawing.reshape(-1, 3).tolist()}
    bar = density_sign().drawing.astype(int).sum(axis=2)
    assert bar[0, 0] < bar[0, bar.shape[1] // 2] < bar[0, -1]


def test_a_legend_takes_as_many_lines_as_it_needs() -> None:
    panel = [[Panel(black(20, 300))]]
    none, one, four = (arrange(panel, legend=point_signs(True, True)[:n]) for n in (0, 1, 4))
    assert none.width == one.width == four.width
    assert none.height < one.height < four.height
    assert np.asarray(one)[none.height - MARGIN :].min() < 50


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    write_text("bad \udcff", tmp_path / "a.html")
    assert (tmp_path / "a.html").read_bytes() == b"bad \\udcff"
    with pytest.raises(SemblanceError, match=r"a\.html: cannot be written \(No such file"):
        write_text("x", tmp_path / "no" / "a.html")
    write_picture(Image.new("RGB", (3, 3)), tmp_path / "a.JPG")
    assert (tmp_path / "a.JPG").read_bytes().startswith(b"\xff\xd8\xff")
    with pytest.raises(SettingError, match=r"end the name in \.png"):
        write_picture(Image.new("RGB", (3, 3)), tmp_path / "a.txt")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.JPG", "a.html"]


def test_points_of_one_picture_are_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_noise(tmp_path / "a.png")
    out = tmp_path / "points.png"
    assert main(["points", str(tmp_path / "a.png"), "--points", "50", "-o", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    with Image.open(out) as drawn:
        # Three detectors and the borders of superpixels, two beside each other: seen whole on a screen.
        assert 2 * 900 < drawn.width < 2000
        assert drawn.height > 2 * 675


def test_settings_of_superpixels_move_their_points_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_noise(tmp_path / "a.png")

    def drawn(*more: str) -> np.ndarray:
        out = tmp_path / "p.png"
        assert main(["points", str(tmp_path / "a.png"), "--points", "50", *more, "-o", str(out)]) == 0
        with Image.open(out) as image:
            return np.asarray(image)

    plain = drawn("--by", "superpixel")
    assert (drawn("--by", "superpixel", "--density", "even", "--median", "0") == plain).all()
    for more in (("--density", "structure"), ("--median", "5")):
        assert not np.array_equal(drawn("--by", "superpixel", *more), plain)
    capsys.readouterr()
    for more, says in (
        (("--by", "sift", "--median", "3"), "--by: sift take no --density or --median; add --by superpixel"),
        (("--density", "much"), "density: 'much' will not do; take one of even, structure"),
        (("--median", "4"), "give 0, 3 or 5 pixels"),
    ):
        assert main(["points", str(tmp_path / "a.png"), *more, "-o", str(tmp_path / "p.png")]) == 2
        assert says in capsys.readouterr().err


def test_points_of_a_folder_are_heat_maps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for i in range(3):
        save_noise(tmp_path / "in" / f"{i}.png", seed=i)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    (tmp_path / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    arguments = [
        "points",
        str(tmp_path / "in"),
        "--by",
        "dense",
        "--by",
        "sift",
        "-o",
        str(tmp_path / "h.png"),
    ]
    assert main(arguments) == 0
    assert "broken.png" in capsys.readouterr().err
    with Image.open(tmp_path / "h.png") as drawn:
        assert drawn.height > 2 * 360


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["missing.png", "-o", "p.png"], 1),
        (["a.png", "-o", "p.txt"], 2),
        (["a.png", "-o", "p.png", "--by", "unheard-of"], 2),
        (["a.png", "-o", "p.png", "--points", "0"], 2),
        (["a.png", "-o", "p.png", "--window", "unheard-of"], 2),
        (["a.png#3", "-o", "p.png"], 1),
        (["empty.png", "-o", "p.png"], 1),
        (["folder", "-o", "p.png"], 1),
        (["a.png", "-o", "no/p.png"], 1),
    ],
)
def test_points_refuses_in_one_line(
    arguments: list[str],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    save_noise(tmp_path / "a.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder").mkdir()
    assert main(["points", *arguments]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("semblance: error: ") and shown.err.count("\n") == 1
    assert "internal error" not in shown.err


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (2, 2), (64, 64)])
def test_points_of_pictures_without_points_are_drawn(shape: tuple[int, int], tmp_path: Path) -> None:
    Image.fromarray(np.full(shape, 77, dtype=np.uint8)).save(tmp_path / "flat.png")
    assert main(["points", str(tmp_path / "flat.png"), "-o", str(tmp_path / "p.png")]) == 0


def save_noise(path: Path, seed: int = 0, shape: tuple[int, int] = (60, 80)) -> None:
    """Write a picture of smooth noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = np.random.default_rng(seed).integers(0, 255, (shape[0] // 4, shape[1] // 4), dtype=np.uint8)
    Image.fromarray(levels).resize((shape[1], shape[0]), Image.Resampling.BICUBIC).save(path)
