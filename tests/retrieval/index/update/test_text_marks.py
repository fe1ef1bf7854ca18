"""Text that is seen on images marks them in the index, or leaves them out."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.indexes import change
from support.text_on_images import phantom, with_text

from cli.main import main


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    for seed in range(2):
        Image.fromarray(phantom(seed)).save(folder / f"clean{seed}.png")
    Image.fromarray(with_text(phantom(2))).save(folder / "named.png")
    frames = [phantom(3), with_text(phantom(4)), phantom(5)]
    tifffile.imwrite(folder / "frames.tif", np.stack(frames), photometric="minisblack")
    return folder


def index(scans, *more, by="thumbnail"):
    place = scans.parent / "x.index"
    assert main(["index", str(scans), "-o", str(place), "--by", by, "--jobs", "1", "--json", *more]) == 0
    return place


def said(capsys, *line):
    capsys.readouterr()
    code = main([str(word) for word in line])
    return code, json.loads(capsys.readouterr().out)


def info(capsys, place):
    return said(capsys, "info", place, "--json")[1]


SEEN = {"frames.tif#1": "seen in its pixels", "named.png": "seen in its pixels"}


def test_they_are_counted_and_named_by_info_and_audit(scans, capsys):
    place = index(scans)
    found = info(capsys, place)
    assert (found["burned_in"], found["text_not_looked_for"]) == (2, 0)
    assert found["burned_in_images"] == SEEN
    code, identifiers = said(capsys, "audit", place, "--json")
    assert code == 1
    assert {one["where"]: one["text"] for one in identifiers if one["kind"] == "burned-in text"} == SEEN
    assert main(["verify", str(place)]) == 0


def test_they_are_left_out_frame_by_frame_where_that_is_wanted(scans, capsys):
    found = info(capsys, index(scans, "--no-burned-in"))
    assert (found["pictures"], found["burned_in"]) == (4, 0)
    assert found["skipped"] == {"named.png": "passed over: text was seen in its pixels (--no-burned-in)"}
    # One more representation reads the same files again, and finds the same images.
    found = info(capsys, index(scans, by="colour"))
    assert (found["pictures"], found["files"]) == (4, {"read": 3, "skipped": 1})


def test_those_that_an_index_has_go_and_stay_out(scans, capsys):
    assert info(capsys, index(scans))["pictures"] == 6
    assert info(capsys, index(scans, "--no-burned-in"))["pictures"] == 4
    assert info(capsys, index(scans))["pictures"] == 4


def test_nobody_looks_where_that_is_not_wanted(scans, capsys):
    found = info(capsys, index(scans, "--find-text", "off", "--no-burned-in"))
    assert (found["pictures"], found["burned_in"], found["text_not_looked_for"]) == (6, 0, 6)
    # The index keeps to it, until it is told otherwise: then it looks at those that it has.
    assert info(capsys, index(scans, "--no-burned-in"))["pictures"] == 6
    assert info(capsys, index(scans, "--no-burned-in", "--find-text", "on"))["pictures"] == 4


def test_images_of_an_older_index_are_looked_at_when_they_are_to_go(scans, capsys):
    place = index(scans)
    change(place, "UPDATE picture SET burned_in = 0")
    assert info(capsys, place)["text_not_looked_for"] == 6
    found = info(capsys, index(scans, "--no-burned-in"))
    assert (found["pictures"], found["text_not_looked_for"]) == (4, 0)
