"""The drawing of an explanation: titles, a scale, a legend, and numbers that are whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retrieval.evidence.deletion_test import Deletion
from retrieval.evidence.explanation import Explanation
from retrieval.index import HitExplanation
from retrieval.picture import Picture
from retrieval.region import Region
from viewer import explanation_figure
from viewer.explanation_figure import SCALE, SIDE, TITLES, draw
from viewer.panels import GAP, MARGIN

PAIRS = np.array([[10, 10, 20, 20], [30, 30, 40, 45]], dtype=np.float32)


def reasons(
    colour: bool = False, pairs: np.ndarray = PAIRS, box: tuple[float, float, float, float] | None = None
) -> HitExplanation:
    """Explain a bright hit whose upper left quarter made it one."""
    pixels = np.full((80, 80, 3) if colour else (80, 80), 0.6, dtype=np.float32)
    if colour:
        pixels[:, :, 1:] = 0.1  # as red as the heat
    heat = np.zeros((24, 24), dtype=np.float32)
    heat[:12, :12] = 1
    explanation = Explanation(heat, pairs, np.arange(len(pairs)) == 0)
    hit = Picture(pixels, id="hit")
    region = None if box is None else Region.box(10, 10, 20, 20)
    return HitExplanation("sift", hit, hit, region, 0.5, box, explanation, Deletion(0.2, 0.3, (0.1,) * 40))


def drawn(one: HitExplanation, verdict: str = "faithful") -> np.ndarray:
    return np.asarray(draw(one, "a finds b", verdict)).astype(int)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the texts that are written, as they are drawn."""
    texts: list[str] = []
    write = explanation_figure.ImageDraw.ImageDraw.text

    def text(self: object, xy: object, text: str, *args: object, **more: object) -> None:
        texts.append(text)
        write(self, xy, text, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(explanation_figure.ImageDraw.ImageDraw, "text", text)
    return texts


def test_every_panel_has_a_title_and_the_heat_a_scale(written: list[str]) -> None:
    drawn(reasons())
    assert set(TITLES) | set(SCALE) <= set(written)


def test_the_scale_goes_from_the_colour_of_most_heat_to_that_of_none() -> None:
    sheet = drawn(reasons())
    top = next(row for row in range(40, 200) if (sheet[row, MARGIN : MARGIN + SIDE] != 255).all())
    left = MARGIN + 3 * (SIDE + GAP)
    bar = sheet[top : top + SIDE, left + 5]
    redness = bar[:, 0] - bar[:, 2]
    assert redness[0] > 120 and redness[-1] < 3
    assert np.all(np.diff(redness) <= 0)
    assert abs(int(redness[SIDE // 2]) - redness[0] / 2) < 5


def test_heat_is_seen_on_an_image_of_its_own_colour() -> None:
    sheet = drawn(reasons(colour=True, pairs=np.empty((0, 4), dtype=np.float32)))
    third = sheet[150:600, MARGIN + 2 * (SIDE + GAP) : MARGIN + 2 * (SIDE + GAP) + SIDE]
    redness = third[:, :, 0] - third[:, :, 2]
    assert redness[:150, 20:200].min() > 100
    assert np.abs(redness[350:, 350:]).max() < 3


def test_the_legend_counts_inliers_and_names_only_what_is_drawn(written: list[str]) -> None:
    drawn(reasons(box=(20, 20, 20, 20)))
    assert "1 inlier: matches that agree in space" in written and "1 other match" in written
    assert "region asked with, and its match" in written
    written.clear()
    drawn(reasons(pairs=np.empty((0, 4), dtype=np.float32)))
    assert not [text for text in written if "match" in text]


def test_a_long_verdict_is_broken_into_lines_and_keeps_its_numbers(written: list[str]) -> None:
    verdict = " ".join(f"{number / 7:.4f}" for number in range(100))
    short, long = draw(reasons(), "a", "b"), draw(reasons(), "a", verdict)
    assert long.height > short.height and long.width == short.width
    assert verdict in " ".join(written)


def test_a_narrow_image_has_its_titles() -> None:
    thin = replace(reasons(), query=Picture(np.ones((80, 8), np.float32)))
    assert draw(thin, "a", "b").width < draw(reasons(), "a", "b").width
