"""Served indexes: a small collection with all that the page shows, and how tests ask a server."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
from support.images import texture_of_all_sizes
from support.series import write_slice

from cli.main import main

SIDE, N_SLICES = 96, 6
PATIENTS = {"ct0": "fibrosis", "ct1": "normal", "ct2": "fibrosis"}
INDEX = "scans.index"


def hounsfield(patient: int, number: int) -> np.ndarray:
    """Return a slice of a patient, int16 (SIDE, SIDE) from -1000 to 1040, that drifts along the series."""
    texture = texture_of_all_sizes(SIDE, SIDE + 4 * N_SLICES, seed=patient).astype(np.int16)
    return texture[:, 4 * number : 4 * number + SIDE] * 8 - 1000


def write_ct(path: Path, values: np.ndarray, patient: str, series: str, number: int, **more) -> Path:
    """Write Hounsfield units as a 16-bit CT slice, 5 mm above the last one."""
    stored = (values + 1024).astype("<u2")
    depth = {"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelData": stored.tobytes()}
    scale = {"RescaleSlope": 1, "RescaleIntercept": -1024, "PixelSpacing": [0.5, 0.5]}
    where = {"patient": patient, "series": series, "corner": (0, 0, 5.0 * number), "instance": number + 1}
    return write_slice(path, stored, **where, **depth, **{**scale, **more})


def write_collection(folder: Path) -> Path:
    """Write three CT series, whose names are not in the order of their places, and two plain images."""
    for patient, name in enumerate(PATIENTS):
        for number in range(N_SLICES):
            # Named from the top down, so that the order of names is not that of places.
            file = folder / name / f"{N_SLICES - 1 - number:03d}.dcm"
            write_ct(file, hounsfield(patient, number), f"P{patient}", f"{patient + 1}", number)
    colours = np.stack([texture_of_all_sizes(64, 80, seed=seed) for seed in (7, 8, 9)], axis=2)
    cv2.imwrite(str(folder / "colour.png"), colours)
    cv2.imwrite(str(folder / "grey.png"), texture_of_all_sizes(64, 80, seed=10))
    lines = [f"{name}/{n:03d}.dcm,{label}" for name, label in PATIENTS.items() for n in range(N_SLICES)]
    (folder.parent / "labels.csv").write_text("\n".join(["path,label", *lines]) + "\n")
    return folder


def make_index(room: Path) -> Path:
    """Write the collection into ``room/images`` and index it; return the index."""
    folder = write_collection(room / "images")
    words = ["--by", "superpixel", "--points", "120", "--words", "40", "--tone-words", "12"]
    # Of so few points on texture those of a fixed compactness place a match more exactly.
    words += ["--compactness", "0.1"]
    arguments = ["index", folder, "-o", room / INDEX, *words, "--by", "thumbnail", "--jobs", "1", "--quiet"]
    assert run([*arguments, "--labels", room / "labels.csv"])[0] == 0
    return room / INDEX


def copy_room(index: Path, room: Path) -> Path:
    """Copy an index and what lies beside it to another place; return the copy."""
    shutil.copytree(index.parent, room, dirs_exist_ok=True)
    return room / index.name


def run(arguments) -> tuple[int, str]:
    """Run the command line and return its exit code and what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = main([str(word) for word in arguments])
    return code, printed.getvalue()


def asked(*arguments) -> dict:
    """Return what ``semblance query --json`` prints of its one query."""
    code, printed = run(["query", *arguments, "--json", "--quiet"])
    assert code == 0
    return json.loads(printed)[0]


def graphql(client, document: str, **variables):
    """Return the data that a server answers; there must be no error."""
    answer = client.post("/graphql", json={"query": document, "variables": variables})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert "errors" not in found, found
    return found["data"]


SEARCH = """query($ask: Ask!, $index: ID = "scans.index") { search(index: $index, ask: $ask) {
  __typename ... on Problem { kind message argument }
  ... on Answer { query by nVerified isRegion canVerify notes outline commit tookMs
    findings { column drawn total isEnough isUnlike verdict
      items { label found drawn p adjusted isSignificant } }
    references { label kind title text bullets link host picture }
    hits { rank score box inliers transform quad image { id key labels }
      case { column value count images { id score } } votes { by rank score share }
      slices { query hit score } extent { first last start end } } } } }"""


def search(client, **ask):
    """Return the result of a search: an answer, or a problem."""
    return graphql(client, SEARCH, ask=ask)["search"]
