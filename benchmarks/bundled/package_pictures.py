"""More pictures to learn from: of Debian packages, of scikit-image, and parts of slides.

All of these packages are in Debian's main section, whose licences allow every use. They lie unpacked in one
folder:

    for name in gnome-backgrounds mate-backgrounds ...; do
        apt-get download $name; dpkg-deb -x ${name}_*.deb FOLDER/$name; done

The pictures that the demo indexes are left out.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.bundled.pictures import Bytes

PACKAGES = {
    "wallpapers": (
        "gnome-backgrounds",
        "mate-backgrounds",
        "plasma-workspace-wallpapers",
        "ukui-wallpapers",
        "lomiri-wallpapers-16.04",
        "lomiri-wallpapers-20.04",
    ),
    "stamps": ("tuxpaint-stamps-default",),
    "textures": (
        "nexuiz-textures",
        "openarena-081-textures",
        "ufoai-textures",
        "colobot-common-textures",
    ),
    "games": ("supertuxkart-data", "flightgear-data-base", "0ad-data"),
    "landscapes": ("endless-sky-data", "stellarium-data"),
}
"""The Debian packages of each set."""
MOST = {"wallpapers": 920, "stamps": 800, "textures": 1100, "games": 1100, "landscapes": 500}
"""How many pictures are taken of each set at most."""
PHOTOGRAPHS = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "moon.png",
    "motorcycle_left.png",
    "page.png",
    "rocket.jpg",
)
"""Of scikit-image, without those that the demo is made of."""
SLIDES = {"aperio_small.svs": 150, "hamamatsu_dapi.ndpi": 40}
"""How many parts are cut from each slide of ``wsi``; those that are nearly of one tone are dropped."""

_SUFFIXES = (".jpg", ".jpeg", ".png", ".tga", ".dds")
_ARCHIVES = (".zip", ".pk3")
# Maps of normals, gloss or height look like no picture.
_NO_PICTURE = ("norm", "_nm", "_bump", "_gloss", "_spec", "_nmap", "_mask", "_h.")
_LONGEST, _SHORTEST, _FEWEST_BYTES = 640, 90, 6000
_SPREAD = 10  # of grey levels at least


def package_pictures(folder: Path, slides: Path) -> dict[str, list[Bytes]]:
    """Return pictures uint8 (rows, cols, 3) by set: of packages in a folder, scikit-image, and slides."""
    random = np.random.default_rng(0)
    found: dict[str, list[Bytes]] = {}
    for name, packages in PACKAGES.items():
        share = int(1.6 * MOST[name] / len(packages))
        chosen = [pixels for package in packages for pixels in _some(folder / package, share, random)]
        whole = [pixels for pixels in chosen if _is_picture(pixels)]
        parts = [part for pixels in whole for part in _parts(pixels, random)] if name == "wallpapers" else []
        found[name] = [_fitted(pixels) for pixels in [*whole, *parts]][: MOST[name]]
    return {**found, "skimage": list(_of_scikit_image()), "wsi": list(_of_slides(slides))}


def _some(folder: Path, most: int, random: np.random.Generator) -> Iterator[Bytes]:
    """Yield at most so many pictures of a package, in an order by lot."""
    if not folder.is_dir():
        raise SystemExit(f"{folder}: not there; unpack Debian's package {folder.name} into it")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names: list[tuple[Path, str]] = [(path, "") for path in files if _is_named(path.name)]
    names = [it for it in names if it[0].stat().st_size > _FEWEST_BYTES]
    for path in (path for path in files if path.suffix in _ARCHIVES):
        with zipfile.ZipFile(path) as archive:
            members = (it for it in archive.infolist() if it.file_size > _FEWEST_BYTES)
            names += [(path, it.filename) for it in members if _is_named(it.filename)]
    for i in random.permutation(len(names))[:most]:
        pixels = _read(*names[i])
        if pixels is not None:
            yield pixels


def _is_named(name: str) -> bool:
    lower = Path(name).name.lower()
    return lower.endswith(_SUFFIXES) and not any(part in lower for part in _NO_PICTURE)


def _read(path: Path, member: str) -> Bytes | None:
    """Return a picture, on one of three grey levels where it is transparent; None if it is empty."""
    try:
        if member:
            with zipfile.ZipFile(path) as archive:
                image = Image.open(io.BytesIO(archive.read(member)))
                image.load()
        else:
            image = Image.open(path)
        if image.mode not in ("RGBA", "LA", "P"):
            return np.asarray(image.convert("RGB"))
        pixels = np.asarray(image.convert("RGBA")).astype(np.float32)
    except (OSError, ValueError, NotImplementedError, Image.DecompressionBombError):
        return None
    opaque = pixels[..., 3:] / 255
    if (opaque < 1).mean() > 0.02:
        if (opaque > 0.2).mean() < 0.12:
            return None
        behind = (255, 0, 128)[zlib.crc32(Path(member or path).name.encode()) % 3]
        pixels = pixels * opaque + behind * (1 - opaque)
    return pixels[..., :3].astype(np.uint8)


def _is_picture(pixels: Bytes) -> bool:
    short, long = sorted(pixels.shape[:2])
    if short < _SHORTEST or long > 6 * short:
        return False
    small = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (64, 64), interpolation=cv2.INTER_AREA)
    return float(small.std()) > _SPREAD


def _fitted(pixels: Bytes, longest: int = _LONGEST) -> Bytes:
    scale = longest / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    small: Bytes = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small


def _parts(pixels: Bytes, random: np.random.Generator) -> Iterator[Bytes]:
    """Yield three square parts of a large picture."""
    for _ in range(3):
        side = int(min(pixels.shape[:2]) * random.uniform(0.3, 0.6))
        part = _part(pixels, side, random)
        if side >= 200 and _is_picture(part):
            yield part


def _part(pixels: Bytes, side: int, random: np.random.Generator) -> Bytes:
    rows, cols = pixels.shape[:2]
    top, left = random.integers(rows - side + 1), random.integers(cols - side + 1)
    return pixels[top : top + side, left : left + side]


def _of_scikit_image() -> Iterator[Bytes]:
    import skimage

    for name in PHOTOGRAPHS:
        with Image.open(Path(skimage.__file__).parent / "data" / name) as image:
            yield _fitted(np.asarray(image.convert("RGB")), 900)


def _of_slides(folder: Path) -> Iterator[Bytes]:
    import openslide

    random = np.random.default_rng(1)
    for name, n in SLIDES.items():
        with openslide.OpenSlide(str(folder / name)) as slide:
            whole: NDArray[np.uint8] = np.asarray(
                slide.read_region((0, 0), 0, slide.dimensions).convert("RGB")
            )
        for _ in range(n):
            part = _part(whole, int(np.exp(random.uniform(np.log(220), np.log(1200)))), random)
            if _is_picture(part):
                yield _fitted(part)
