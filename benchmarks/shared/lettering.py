"""What programs write into images: names, numbers and dates drawn at random, and shapes of its letters."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Bytes = NDArray[np.uint8]

_FOLDER = Path(matplotlib.get_data_path(), "fonts/ttf")
FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSerif"),
    *("DejaVuSans-Oblique", "cmss10", "cmtt10", "hershey 0", "hershey 1", "hershey 2", "hershey 5", "bitmap"),
)
"""What is trained on: files of Matplotlib, fonts of OpenCV by number, and the bitmap font of Pillow."""
OTHER_FONTS = (
    "STIXGeneral",
    "STIXGeneralBol",
    "DejaVuSerif-Bold",
    "cmr10",
    "aileron",
    "hershey 3",
    "hershey 4",
)
"""What is measured on besides."""

_NAMES = (
    "DOE^JANE",
    "Doe, Jane",
    "SMITH JOHN M",
    "Miller",
    "GARCIA",
    "Nguyen Thi",
    "O'Brien",
    "Müller, Hans",
    "Lee",
)
_WORDS = (
    *(
        "MRN",
        "ID:",
        "DOB",
        "Acc",
        "ST MARY HOSPITAL",
        "Radiology",
        "Clinic",
        "supine",
        "portable",
        "PA",
        "LAT",
    ),
    *(
        "Series",
        "Image",
        "kV",
        "mAs",
        "Gain",
        "Depth",
        "Freq",
        "TR",
        "TE",
        "FOV",
        "cm",
        "mm",
        "Study",
        "sex: F",
    ),
    *("Ward 3", "Dr.", "Patient", "Unit", "left", "RIGHT", "Lossy", "W:", "L:", "Thickness", "zoom", "Exam"),
)
_SHORTEST = 3


def words(random: np.random.Generator, most: int = 6) -> str:
    """Return a line of one to ``most`` words, numbers and dates, of three characters at least."""
    said = " ".join(_word(random) for _ in range(int(random.integers(1, most + 1))))
    return said if len(said.replace(" ", "")) >= _SHORTEST else said + " " + _number(random)


def _word(random: np.random.Generator) -> str:
    kind = random.random()
    if kind < 0.25:
        return str(random.choice(_NAMES))
    if kind < 0.5:
        return str(random.choice(_WORDS))
    if kind < 0.75:
        return _number(random)
    if kind < 0.9:
        day, month, year = random.integers(1, 29), random.integers(1, 13), random.integers(1920, 2026)
        forms = (
            "{:02d}.{:02d}.{}",
            "{:02d}/{:02d}/{}",
            "{2}-{1:02d}-{0:02d}",
            "{2}{1:02d}{0:02d}",
            "{0:02d}:{1:02d}",
        )
        return str(random.choice(forms)).format(day, month, year)
    letters = "".join(chr(65 + int(n)) for n in random.integers(0, 26, random.integers(3, 9)))
    return letters if random.random() < 0.5 else letters.capitalize()


def _number(random: np.random.Generator) -> str:
    return str(random.integers(10**7, 10**8))[: int(random.integers(2, 9))].rjust(3, "0")


@lru_cache(maxsize=512)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if name == "bitmap":
        return ImageFont.load_default_imagefont()
    return (
        ImageFont.load_default(size)
        if name == "aileron"
        else ImageFont.truetype(_FOLDER / f"{name}.ttf", size)
    )


def text_mask(text: str, font: str, size: int, random: np.random.Generator) -> Bytes:
    """Return how far text covers each pixel, uint8 (rows, cols), cut to its ink and two pixels around it."""
    if font.startswith("hershey"):
        mask = _hershey(text, int(font[-1]), size, random)
    else:
        made = _font(font, size)
        left, top, right, bottom = (int(n) for n in made.getbbox(text))
        image = Image.new("L", (right - min(left, 0) + 4, bottom - min(top, 0) + 4))
        draw = ImageDraw.Draw(image)
        if random.random() < 0.25:
            draw.fontmode = "1"  # as old consoles draw it: no grey at the edges
        draw.text((2 - min(left, 0), 2 - min(top, 0)), text, 255, made)
        mask = np.asarray(image)
    if font == "bitmap":  # its letters are 11 pixels high: doubled, tripled
        mask = np.kron(mask, np.ones((max(1, round(size / 11)),) * 2, np.uint8))
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.zeros((0, 0), np.uint8)
    return np.pad(mask[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1], 2)


def _hershey(text: str, font: int, size: int, random: np.random.Generator) -> Bytes:
    # Capitals are 0.72 of the size in most fonts.
    scale = 0.72 * size / cv2.getTextSize("H", font, 1, 1)[0][1]
    thick = int(random.integers(1, 2 + size // 16))
    text = text.encode("ascii", "replace").decode()
    (width, height), below = cv2.getTextSize(text, font, scale, thick)
    mask = np.zeros((height + below + 24, width + 24), np.uint8)
    line = cv2.LINE_AA if random.random() < 0.6 else cv2.LINE_8
    cv2.putText(mask, text, (8, height + 8), font, scale, 255, thick, line)
    return mask
