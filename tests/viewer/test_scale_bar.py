"""Scale bars and the figure of a slide's tissue."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from support.slides import tissue_image, write_slide

from cli.main import main
from viewer.scale_bar import add_scale_bar, scale_bar, with_scale_bar


@pytest.mark.parametrize(
    ("width", "um_per_px", "length", "text"),
    [
        (400, 1.0, 100.0, "100 um"),
        (399, 1.0, 50.0, "50 um"),
        (256, 0.25, 10.0, "10 um"),
        (900, 20.0, 2000.0, "2 mm"),
        (800, 5.0, 1000.0, "1 mm"),
        (64, 0.1, 1.0, "1 um"),
    ],
)
def test_a_bar_is_the_longest_round_number_within_a_quarter(width, um_per_px, length, text) -> None:
    assert scale_bar(width, um_per_px) == (length, text)


def test_a_bar_is_as_long_as_it_says() -> None:
    drawn = with_scale_bar(np.full((300, 400, 3), 200, np.uint8), 1.0)
    black = (drawn[288:291] == 0).all(axis=2)
    assert black[0].sum() == 101  # 100 µm: both ends are painted


def test_an_image_keeps_its_shape_and_gets_a_bar() -> None:
    encoded = io.BytesIO()
    Image.new("RGB", (100, 50), "#e0a0c0").save(encoded, "PNG")
    made = Image.open(io.BytesIO(add_scale_bar(encoded.getvalue(), 200.0)))
    assert made.size == (400, 200)
    assert np.asarray(made)[188:191].min() < 40
    assert add_scale_bar(b"", 200.0) == b""


def test_the_tissue_of_a_slide_is_drawn(tmp_path, capsys) -> None:
    slide = write_slide(tmp_path / "a.tif", tissue_image(1200, 1600, 0))
    arguments = ["--um-per-px", "1", "--um-per-px", "2", "--tile", "128"]
    assert main(["points", str(slide), "-o", str(tmp_path / "t.png"), *arguments]) == 0
    drawn = np.asarray(Image.open(tmp_path / "t.png").convert("RGB")).astype(int)
    orange = (np.abs(drawn - (230, 159, 0)).sum(axis=2) < 20).sum()
    blue = (np.abs(drawn - (86, 180, 233)).sum(axis=2) < 20).sum()
    assert orange > 1000 and blue > 1000
    (tmp_path / "b.tif").write_bytes(slide.read_bytes()[:3000])
    assert main(["points", str(tmp_path / "b.tif"), "-o", str(tmp_path / "t.png")]) == 1
    assert "b.tif" in capsys.readouterr().err
