"""Make the golden index of format 1, and record what it answers.

It was run with the code of commit 814ab58, the last before the packages were moved, and is kept to say how
the index came to be. Code of a later format cannot run it: what it wrote is what counts, and
``tests/test_golden.py`` holds later code to it.

    python -m tests.golden.make_format1
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset

from .records import MTIME_NS, Places, parsed, scrubbed

COMMIT = "814ab58"
PLACE = Path(__file__).parent / "format1"
ROOT = b"/semblance-golden/images"
"""Where the catalogue says that the pictures lie: nowhere, so that no machine's path is kept."""

N_PATIENTS, N_SLICES = 3, 5
IDS = ("stripes/0.png", "rings/4.png", "ct1/002.dcm")
CT0 = [f"ct0/{number:03d}.dcm" for number in range(N_SLICES)]
WORDS = ["--points", "40", "--words", "40", "--tone-words", "12", "--components", "12"]
REPRESENTATIONS = {
    "superpixel": WORDS,
    "dense": WORDS,
    "sift": [*WORDS, "--signature", "64"],
    "vlad": ["--points", "40", "--words", "6", "--local-components", "12", "--components", "12"],
    "asmk": ["--words", "24", "--local-components", "40", "--features", "sift"],
    "deep": ["--cells", "1", "--precision", "float32"],
    "thumbnail": ["--side", "12"],
    "colour": ["--bins", "4"],
}
MANY = {"asmk": "12"}
"""How many hits are recorded where not all are: the last ones of few codes have equal scores."""
LEARNT = [
    ["learn-metric", "INDEX", "--by", "thumbnail", "--method", "nca", "--components", "8"],
    ["learn-metric", "INDEX", "--by", "superpixel", "--method", "lda", "--components", "8"],
    ["learn-fusion", "INDEX", "--by", "superpixel", "--by", "dense", "--by", "colour"],
    ["learn-fusion", "INDEX", "--by", "sift", "--by", "thumbnail+nca"],
    ["remove", "INDEX", "rings/3.png"],
]


# The pictures.


def stripes(random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return waves of one direction, in [0, 1]."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    angle, period = random.uniform(0.2, 1.2), random.uniform(6, 12)
    return 0.5 + 0.4 * np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)


def rings(random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return a few circles on a dark ground, in [0, 1]."""
    image = np.full(shape, 0.15)
    for _ in range(5):
        centre = [int(v) for v in random.uniform(8, np.array(shape[::-1]) - 8)]
        cv2.circle(image, centre, int(random.integers(4, 11)), random.uniform(0.5, 1), 2)
    return image


def blots(random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return smooth noise, in [0, 1]."""
    return np.clip(cv2.resize(random.random((7, 8)), shape[::-1], interpolation=cv2.INTER_CUBIC), 0, 1)


TEXTURES = {"stripes": stripes, "rings": rings, "blots": blots}
SHAPES = ((48, 64), (64, 64), (56, 48), (64, 48), (48, 48))


def draw(kind: str, seed: int, shape: tuple[int, int], is_coloured: bool) -> NDArray[np.uint8]:
    """Return a picture of a class, grey or in colour, with a little noise."""
    random = np.random.default_rng([seed, *kind.encode()])
    image = TEXTURES[kind](random, shape) + random.normal(0, 0.012, shape)
    if is_coloured:
        image = np.stack([image * weight for weight in random.uniform(0.3, 1, 3)], axis=2)
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def slice_of(patient: int, height: float, side: int = 44) -> NDArray[np.uint8]:
    """Return a slice of a body with two hollows, which are widest in its middle."""
    random = np.random.default_rng([100, patient])
    image, middle = np.full((side, side), 10.0), side // 2 + patient - 1
    cv2.ellipse(image, (middle, side // 2), (18, 13 + patient), 5 * patient, 0, 360, 105 + 9 * patient, -1)
    for sign, wide in ((-1, 5), (1, 3 + patient)):
        size = int(3 + wide * np.sin(np.pi * height))
        cv2.circle(image, (middle + sign * 8, side // 2 + sign), size, 30 + 7 * patient, -1)
    cv2.circle(image, (middle, int(8 + 25 * height)), 2 + patient % 2, 200 + 20 * patient, -1)
    tissue = cv2.resize(random.normal(0, 14, (9 + patient, 9)), (side, side), interpolation=cv2.INTER_CUBIC)
    image += np.roll(tissue, int(20 * height), axis=0) * (image > 60)
    return np.clip(
        image + np.random.default_rng([patient, int(99 * height)]).normal(0, 3, image.shape), 0, 255
    ).astype(np.uint8)


def write_slice(path: Path, patient: int, number: int) -> None:
    """Write one slice as uncompressed DICOM, at its place along the body."""
    pixels = slice_of(patient, number / (N_SLICES - 1))
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = f"1.2.3.{patient}.{number}"
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )
    dataset.Modality, dataset.PatientID = "CT", f"P{patient}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"1.2.4.{patient}", f"1.2.5.{patient}"
    dataset.ImagePositionPatient, dataset.SliceThickness = [0.0, 0.0, 5.0 * number], 5
    dataset.ImageOrientationPatient, dataset.PixelSpacing = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [0.8, 0.8]
    dataset.InstanceNumber = (3 * number) % N_SLICES + 1
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(path, enforce_file_format=True)


def write_pictures(place: Path) -> None:
    """Write all pictures, what is none, a new picture, and the table of labels."""
    images, lines = place / "images", ["path,label,site,age"]
    for folder in (*TEXTURES, *(f"ct{patient}" for patient in range(N_PATIENTS))):
        (images / folder).mkdir(parents=True)
    for kind in TEXTURES:
        for i, shape in enumerate(SHAPES):
            assert cv2.imwrite(str(images / kind / f"{i}.png"), draw(kind, i, shape, i == 4))
            label = f"{kind};coloured" if i == 4 else kind
            lines.append(f"{kind}/{i}.png,{label},{'north' if i % 2 else 'south'},{30 + 7 * i}")
    for patient in range(N_PATIENTS):
        for number in range(N_SLICES):
            write_slice(images / f"ct{patient}" / f"{number:03d}.dcm", patient, number)
            label = "lung" if 0 < number < N_SLICES - 1 else "other"
            lines.append(f"ct{patient}/{number:03d}.dcm,{label},north,{60 + patient}")
    pages = np.stack([draw("blots", seed, (48, 48), False) for seed in (21, 22)])
    tifffile.imwrite(images / "pages.tif", pages, photometric="minisblack", compression="zlib")
    lines.append("pages.tif,blots,south,50")
    assert cv2.imwrite(str(images / "blank.png"), np.full((48, 48), 128, np.uint8))
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (images / "notes.txt").write_text("No picture.\n")
    (place / "new").mkdir()
    assert cv2.imwrite(str(place / "new" / "stripes.png"), draw("stripes", 9, (60, 60), False))
    (place / "labels.csv").write_text("\n".join([*lines, ""]))


# The index.


def run(places: Places, command: list[str]) -> str:
    """Run one command of the command line, and return what it prints."""
    from cli.main import main  # where it was then

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(places.filled(command))
    assert code == 0, command
    return out.getvalue()


def make_index(places: Places) -> None:
    """Make the index, one representation after the other, learn on it, and take one picture out."""
    for name, settings in REPRESENTATIONS.items():
        labels = ["--labels", str(PLACE / "labels.csv")]
        run(places, ["index", "IMAGES", "-o", "INDEX", "--by", name, *settings, *labels, "--jobs", "1"])
    for command in LEARNT:
        run(places, command)


def forget_the_machine(index: Path) -> None:
    """Give the root a neutral path, in every byte of the catalogue."""
    with contextlib.closing(sqlite3.connect(index / "catalogue.sqlite")) as catalogue:
        catalogue.execute("PRAGMA secure_delete=ON")
        with catalogue:
            catalogue.execute("UPDATE root SET path = ?", (ROOT,))
        catalogue.execute("VACUUM")
    data = (index / "catalogue.sqlite").read_bytes()
    assert ROOT in data and tempfile.gettempdir().encode() not in data and b"/home" not in data


def without_weights(index: Path) -> dict[str, str]:
    """Take the network's weights out, 5.7 MB that lie beside the indexes. Return what is lacking."""
    (path,) = (index / "models").glob("*/weights.npy")
    bundled = np.load(path).tobytes()
    path.unlink()
    return {"file": path.relative_to(index).as_posix(), "sha256": hashlib.sha256(bundled).hexdigest()}


# The answers.


def commands() -> list[list[str]]:
    """Return all that the index is asked, none of which changes it."""
    names = [*REPRESENTATIONS, "thumbnail+nca", "superpixel+lda"]
    ask, top = ["query", "INDEX"], ["-k", "3", "--json"]
    words = ["--by", "superpixel", "--by", "dense", "--by", "colour"]
    bare, (a, b, c) = ["--no-baselines", "--cutoffs", "1,5"], IDS
    return [
        ["info", "INDEX", "--json"],
        *([*ask, b, c, "--by", name, "-k", MANY.get(name, "99"), "--trec"] for name in names),
        *([*ask, a, c, "--by", name, *top] for name in names),
        [*ask, "blank.png", "--by", "superpixel", *top],
        [*ask, "pages.tif", "--by", "dense", "--csv", "-k", "5"],
        [*ask, *IDS, *top],
        [*ask, c, "-k", "99", "--trec"],
        *([*ask, *IDS, *words, "--fusion", rule, *top] for rule in ("rrf", "sum", "learnt")),
        [*ask, a, "--by", "sift", "--by", "thumbnail+nca", "--fusion", "learnt", *top],
        *(
            [*ask, c, a, *words, "--group-by", "patient", "--case-by", rule, *top]
            for rule in ("best", "mean-3", "rank-weighted")
        ),
        [*ask, b, "--by", "superpixel", "--group-by", "site", *top],
        [*ask, c, "--by", "superpixel", "--collapse", "10", *top],
        [*ask, c, *words, "--not-same", "patient", *top],
        [*ask, a, "--by", "dense", "--exclude-self", "--csv", "-k", "5"],
        [*ask, a, "--by", "superpixel", "--where", "site = 'south' and age > 40", *top],
        [*ask, c, "--by", "superpixel", "--where", "modality is null or label != 'lung'", *top],
        [*ask, a, *words, "--like", "stripes/1.png", "--unlike", "blots/0.png", *top],
        [*ask, a, "--by", "sift", "--by", "vlad", "--blind", "3", *top],
        [*ask, a, "--by", "deep", "--blind", "2", *top],
        [*ask, *CT0, "--volume", *words, *top],
        [*ask, "IMAGES/ct2", "--volume", "--volume-by", "votes", "--by", "dense", "-k", "2", "--json"],
        [*ask, a, "--by", "superpixel", "--findings", "-k", "8", "--json"],
        [*ask, a, *words, "--region", "10,8,36,32", *top],
        [*ask, a, "--by", "sift", "--region", "10,8,36,32", *top],
        [*ask, c, "--by", "superpixel", "--region", "4,8,24,24", "--mm", *top],
        [*ask, a, "--by", "deep", "--region", "10,8,36,32", *top],
        [*ask, a, "--by", "sift", "--verify", "10", *top],
        [*ask, a, "--by", "superpixel", "--expand", "2", *top],
        [*ask, b, "--by", "dense", "--assignments", "3", *top],
        [*ask, b, "--by", "deep", "--orientations", "8", *top],
        [*ask, "IMAGES/stripes/2.png", *words, *top],
        [*ask, "NEW/stripes.png", "--by", "superpixel+lda", *top],
        *([*ask, "NEW/stripes.png", "--by", name, *top] for name in ("sift", "vlad", "asmk", "deep")),
        ["classify", "INDEX", *IDS, *words, "--json"],
        ["classify", "INDEX", a, "--by", "thumbnail+nca", "--label-of", "site", "--csv"],
        [
            "locate",
            *CT0,
            "--in",
            "INDEX",
            "--range",
            "lung",
            "--by",
            "superpixel",
            "--not-same",
            "patient",
            "--json",
        ],
        ["evaluate", "INDEX", "--by", "superpixel", "--by", "colour", "--fusion", "rrf", *bare, "--json"],
        ["explain", "INDEX", a, "stripes/3.png", "--by", "superpixel", "-o", "OUT/why.png", "--json"],
        ["explain", "INDEX", b, "rings/2.png", "--by", "deep", "-o", "OUT/why.png", "--json"],
    ]


def changes() -> list[list[str]]:
    """Return what is done to a copy of the index, one after the other."""
    ask = ["query", "INDEX", "stripes.png", "stripes/0.png", "-k", "4", "--json"]
    return [
        ["index", "NEW", "-o", "INDEX", "--jobs", "1", "--json"],
        *([*ask, "--by", name] for name in ("superpixel", "sift", "asmk", "thumbnail+nca")),
        ["remove", "INDEX", "ct1/", "pages.tif#1"],
        ["compact", "INDEX"],
        ["verify", "INDEX", "--erased", "ct1/002.dcm", "rings/3.png"],
        *([*ask, "--by", name] for name in ("superpixel", "dense", "deep")),
        ["info", "INDEX", "--json"],
    ]


def check_apart(records: list[dict[str, Any]]) -> None:
    """Refuse rankings whose order another machine's arithmetic could turn: scores that are nearly equal."""
    near = []
    for one in records:
        is_fused = "--by" not in one["command"]  # by ranks, which are whole numbers
        rows = [] if is_fused or "--trec" not in one["command"] else one["output"]
        for (q1, id1, _, s1), (q2, id2, _, s2) in itertools.pairwise(rows):
            if q1 == q2 and s1 and abs(s1 - s2) <= 1.5e-6 * abs(s1):
                near.append(f"{' '.join(one['command'])}: {q1}: {id1} {s1}, {id2} {s2}")
    assert not near, "\n".join(near)


def recorded(places: Places, asked: list[list[str]]) -> list[dict[str, Any]]:
    """Run commands, and return each with what it printed."""
    return [
        {"command": one, "output": scrubbed(parsed(one, run(places, one)), places, digits=7)} for one in asked
    ]


def written(expected: dict[str, Any]) -> str:
    """Return the answers as JSON, a record a line."""
    parts = []
    for name, value in expected.items():
        if isinstance(value, list):
            lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in value)
            parts.append(f'"{name}": [\n{lines}\n]')
        else:
            parts.append(f'"{name}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def make() -> None:
    """Make everything anew below ``format1/``."""
    shutil.rmtree(PLACE, ignore_errors=True)
    write_pictures(PLACE)
    with tempfile.TemporaryDirectory(prefix="semblance-golden-") as name:
        places = Places.below(Path(name))
        places.copy_pictures(PLACE)
        make_index(places)
        shutil.copytree(places.index, PLACE / "index")
        forget_the_machine(PLACE / "index")
        lacking = without_weights(PLACE / "index")
        shutil.rmtree(places.index)
        # Ask the copy that is kept, as the test does.
        expected: dict[str, Any] = {"commit": COMMIT, "format": 1, "mtime_ns": MTIME_NS, "weights": lacking}
        update = ["index", "IMAGES", "-o", "INDEX", "--jobs", "1", "--json"]
        places.copy_index(PLACE, lacking)
        expected["update"] = recorded(places, [update])
        expected["records"] = recorded(places, commands())
        check_apart(expected["records"])
        expected["changes"] = recorded(places, changes())
    (PLACE / "expected.json").write_text(written(expected))


if __name__ == "__main__":
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    sys.exit(make())
