"""Files that are brought: read as the index reads its own, asked with, and kept nowhere else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import tifffile
from support.served import asked, graphql, hounsfield, search, write_ct
from support.server_process import serving

from viewer.server.guard import Rules


def bring(client, content, name="new.dcm"):
    return client.post("/uploads", content=content, params={"name": name})


@pytest.fixture
def new_file(tmp_path):
    return write_ct(tmp_path / "new.dcm", hounsfield(0, 2), "P9", "99", 3)


def test_a_file_is_asked_with_as_at_the_command_line(client, index, new_file):
    brought = bring(client, new_file.read_bytes())
    assert brought.status_code == 201
    assert brought.json()["name"] == "new.dcm"
    assert brought.json()["frames"] == [{"id": "new.dcm", "rows": 96, "cols": 96, "spacing": [0.5, 0.5]}]
    region = {"box": [20, 30, 40, 36]}
    ours = search(client, upload=brought.json()["upload"], by=["superpixel"], region=region, k=6)
    theirs = asked(index, new_file, "--by", "superpixel", "--region", "20,30,40,36", "-k", "6")
    assert [(hit["image"]["id"], hit["score"]) for hit in ours["hits"]] == [
        (hit["id"], hit["score"]) for hit in theirs["hits"]
    ]


def test_the_pixels_of_a_file_can_be_fetched_and_are_not_kept(client, new_file):
    id = bring(client, new_file.read_bytes()).json()["upload"]
    found = client.get(f"/uploads/{id}/0/pixels")
    np.testing.assert_array_equal(np.frombuffer(found.content, "<i2").reshape(96, 96), hounsfield(0, 2))
    assert found.headers["cache-control"] == "no-store"
    assert client.get(f"/uploads/{id}/0/thumbnail").headers["content-type"] == "image/jpeg"
    assert client.get(f"/uploads/{id}/1/pixels").status_code == 404


def test_a_file_can_be_forgotten(client, new_file):
    id = bring(client, new_file.read_bytes()).json()["upload"]
    document = "mutation($id: ID!) { forgetUpload(upload: $id) }"
    assert graphql(client, document, id=id)["forgetUpload"] is True
    gone = client.get(f"/uploads/{id}/0/pixels")
    assert gone.status_code == 404
    assert "drop it here again" in gone.json()["message"]
    assert graphql(client, document, id=id)["forgetUpload"] is False


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../etc/x.dcm", "x.dcm"), ("C:\\scans\\y.dcm", "y.dcm"), ("", "upload"), ("a#1", "a1")],
)
def test_a_name_is_its_last_part(name, shown, client, new_file):
    assert bring(client, new_file.read_bytes(), name).json()["name"] == shown


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_what_is_no_image_is_refused_without_a_path(content, client):
    found = bring(client, content, "note.png")
    assert found.status_code == 410 and found.json()["kind"] == "UNREADABLE"
    assert "/" not in found.json()["message"]
    assert "note.png" in found.json()["message"]


def test_a_file_that_is_too_large_is_refused(index):
    with serving(index, rules=Rules(most_upload=1000)) as client:
        found = bring(client, bytes(1001))
        assert (found.status_code, found.json()["kind"]) == (413, "LIMIT")


def png(mask):
    return cv2.imencode(".png", mask)[1].tobytes()


def test_a_mask_marks_a_region(client, index, tmp_path):
    mask = np.zeros((96, 96), np.uint8)
    mask[30:66, 20:60] = 255
    brought = client.post("/masks", content=png(mask))
    assert brought.json()["pixels"] == 36 * 40
    ours = search(
        client, image="ct0/002.dcm", by=["superpixel"], region={"mask": brought.json()["mask"]}, k=4
    )
    (tmp_path / "mask.png").write_bytes(png(mask))
    flags = ["--by", "superpixel", "--mask", tmp_path / "mask.png", "-k", "4", "--exclude-self"]
    theirs = asked(index, "ct0/002.dcm", *flags)
    assert [hit["score"] for hit in ours["hits"]] == [hit["score"] for hit in theirs["hits"]]


def test_what_is_transparent_is_not_marked(client):
    drawn = np.full((8, 8, 4), 255, np.uint8)
    drawn[:, 4:, 3] = 0
    assert client.post("/masks", content=png(drawn)).json()["pixels"] == 32


def test_a_mask_of_another_size_is_a_problem(client):
    id = client.post("/masks", content=png(np.full((5, 5), 255, np.uint8))).json()["mask"]
    found = search(client, image="ct0/002.dcm", region={"mask": id})
    assert (found["kind"], found["argument"]) == ("BAD_REGION", "mask")


def test_a_mask_that_is_no_png_is_refused(client):
    assert client.post("/masks", content=b"none").json()["kind"] == "BAD_REGION"


def test_a_file_of_many_frames_is_read_in_part(client, tmp_path, monkeypatch):
    """A small file may unpack into more than fits into memory."""
    frames = np.zeros((70, 8, 8), np.uint8)
    tifffile.imwrite(tmp_path / "many.tif", frames, photometric="minisblack", compression="zlib")
    content = (tmp_path / "many.tif").read_bytes()
    found = bring(client, content, "many.tif").json()
    assert len(found["frames"]) == 64
    # That is said: with the file, and with an answer to all of it.
    said = "many.tif: only its first 64 images are read"
    assert (found["note"], client.get(f"/uploads/{found['upload']}").json()) == (said, found)
    whole = {"upload": found["upload"], "by": ["thumbnail"], "k": 1}
    assert said in search(client, **whole, volume=True)["notes"]
    assert said not in search(client, **whole)["notes"]
    monkeypatch.setattr("viewer.server.uploads.MOST_UNPACKED", 2 * 8 * 8 * 4)
    assert len(bring(client, content, "many.tif").json()["frames"]) == 3


def test_the_frames_of_a_file_are_asked_with_one_by_one_or_as_a_volume(client, tmp_path):
    frames = np.stack([hounsfield(1, number) + 1100 for number in range(3)]).astype(np.uint16)
    tifffile.imwrite(tmp_path / "stack.tif", frames, photometric="minisblack")
    id = bring(client, (tmp_path / "stack.tif").read_bytes(), "stack.tif").json()["upload"]
    one = search(client, upload=id, frame=2, by=["thumbnail"], k=1)
    assert one["query"] == "stack.tif#2"
    volume = search(client, upload=id, volume=True, by=["thumbnail"], k=2, groupBy="patient")
    assert [part["query"] for part in volume["hits"][0]["slices"]] == [f"stack.tif#{n}" for n in range(3)]
    values = client.get(f"/uploads/{id}/2/pixels").content
    np.testing.assert_array_equal(np.frombuffer(values, "<i2").reshape(96, 96), frames[2])
