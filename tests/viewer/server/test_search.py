"""Searching: the hits are those of the command line, id by id and score by score."""

from __future__ import annotations

import csv
import io
import json

import cv2
import numpy as np
import pytest
from support.served import SEARCH, asked, graphql, search
from support.server_process import serving

from retrieval.index import Index, QueryOptions
from retrieval.metadata.reference_table import References
from retrieval.region import Region
from viewer.queries.followed_mark import FollowedMark
from viewer.queries.query import Query

IMAGE = "ct0/002.dcm"
BOX = [20, 30, 40, 36]
REGION = ["--region", "20,30,40,36"]
SAME = ["--exclude-self"]

QUESTIONS = {
    "the whole image": ({}, []),
    "one representation": ({"by": ["thumbnail"]}, ["--by", "thumbnail"]),
    "summed scores": ({"fusion": "sum"}, ["--fusion", "sum"]),
    "a box": ({"region": {"box": BOX}}, REGION),
    "a box with a margin": ({"region": {"box": BOX, "marginPx": 4}}, [*REGION, "--margin", "4"]),
    "a polygon": (
        {"by": ["superpixel"], "region": {"polygon": [[20, 20], [70, 25], [40, 70]]}},
        ["--by", "superpixel", "--polygon", "20,20,70,25,40,70"],
    ),
    "a superpixel": (
        {"by": ["superpixel"], "region": {"point": [50, 50]}},
        ["--by", "superpixel", "--point", "50,50"],
    ),
    "a condition": ({"where": "label = 'normal'"}, ["--where", "label = 'normal'"]),
    "other patients": ({"notSame": "patient"}, ["--not-same", "patient"]),
    "cases": (
        {"groupBy": "patient", "caseBy": "mean-2"},
        ["--group-by", "patient", "--case-by", "mean-2"],
    ),
    "feedback": (
        {"by": ["superpixel"], "like": ["ct1/001.dcm"], "unlike": ["ct2/001.dcm"]},
        ["--by", "superpixel", "--like", "ct1/001.dcm", "--unlike", "ct2/001.dcm"],
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_hits_are_those_of_the_command_line(name, client, index):
    ask, flags = QUESTIONS[name]
    ours = search(client, image=IMAGE, k=7, **ask)
    theirs = asked(index, IMAGE, "-k", "7", *SAME, *flags)
    assert ours["__typename"] == "Answer", ours
    assert ours["hits"]
    assert [hit["image"]["id"] for hit in ours["hits"]] == [hit["id"] for hit in theirs["hits"]]
    assert [hit["score"] for hit in ours["hits"]] == [hit["score"] for hit in theirs["hits"]]
    assert [hit["box"] for hit in ours["hits"]] == [hit["box"] for hit in theirs["hits"]]
    assert [hit["inliers"] for hit in ours["hits"]] == [hit.get("proof") for hit in theirs["hits"]]
    assert [hit["transform"] for hit in ours["hits"]] == [hit.get("transform") for hit in theirs["hits"]]


def test_a_volume_asks_with_all_its_slices(client, index):
    ours = search(client, image=IMAGE, volume=True, by=["thumbnail"], k=3)
    theirs = asked(index, index.parent / "images" / "ct0", "--volume", "--by", "thumbnail", "-k", "3", *SAME)
    assert [hit["case"]["value"] for hit in ours["hits"]] == [h["case"]["value"] for h in theirs["hits"]]
    assert [hit["score"] for hit in ours["hits"]] == [hit["score"] for hit in theirs["hits"]]
    assert [one["query"] for one in ours["hits"][0]["slices"]] == [
        f"ct0/{n:03d}.dcm" for n in (5, 4, 3, 2, 1, 0)
    ]


def test_a_verified_hit_says_where_the_query_is_in_it(client):
    """Slices of a series drift by 4 pixels to the left, and lower names are higher up."""
    answer = search(client, image=IMAGE, by=["superpixel"], region={"box": BOX}, k=5)
    assert answer["isRegion"] and answer["canVerify"] and answer["nVerified"] > 0
    hit = next(hit for hit in answer["hits"] if hit["image"]["id"] == "ct0/003.dcm")
    a, b, c, d, e, f = hit["transform"]
    assert (a, b, d, e) == pytest.approx((1, 0, 0, 1), abs=0.1)
    # The middle of the box is at x 40, y 48; the corners are where the transform takes those of the box.
    assert (a * 40 + b * 48 + c, d * 40 + e * 48 + f) == pytest.approx((44, 48), abs=2)
    corners = [(20, 30), (60, 30), (60, 66), (20, 66)]
    assert hit["quad"] == [pytest.approx([a * x + b * y + c, d * x + e * y + f]) for x, y in corners]


def test_the_region_that_was_searched_for_is_told(client):
    answer = search(client, image=IMAGE, by=["superpixel"], region={"box": [80, 80, 50, 50]})
    assert answer["outline"] == [[[80, 80], [96, 80], [96, 96], [80, 96]]]
    assert any("reaches outside" in note for note in answer["notes"])


def test_findings_are_those_of_the_command_line(client, index):
    ours = search(client, image=IMAGE, by=["thumbnail"], groupBy="patient", findings=True, k=2)["findings"]
    flags = ["--by", "thumbnail", "--group-by", "patient", "--findings", "-k", "2", *SAME]
    theirs = asked(index, IMAGE, *flags)["findings"]
    assert (ours["drawn"], ours["total"]) == (theirs["matching"], theirs["cases"])
    assert [(one["label"], one["found"], one["p"]) for one in ours["items"]] == [
        (one["label"], one["found"], one["p"]) for one in theirs["labels"]
    ]
    assert not ours["isEnough"] and "not enough evidence" in ours["verdict"]


@pytest.mark.parametrize(
    ("ask", "kind", "argument"),
    [
        ({"image": "nowhere.png"}, "BAD_ASK", None),
        ({}, "BAD_ASK", "image"),
        ({"image": IMAGE, "k": 101}, "BAD_ASK", "k"),
        ({"image": IMAGE, "where": "label = "}, "BAD_FILTER", "where"),
        ({"image": IMAGE, "by": ["sift"]}, "BAD_ASK", "by"),
        ({"image": IMAGE, "fusion": "loud"}, "BAD_ASK", "fusion"),
        ({"image": IMAGE, "region": {"box": [1, 2, 3]}}, "BAD_REGION", "region"),
        ({"image": IMAGE, "region": {"box": [500, 2, 3, 9]}}, "BAD_REGION", "region"),
        ({"image": IMAGE, "region": {"polygon": [[1, 2], [3, 4]]}}, "BAD_REGION", "polygon"),
        ({"image": IMAGE, "region": {"box": BOX, "point": [3, 4]}}, "BAD_REGION", "region"),
        ({"image": IMAGE, "region": {"mask": "m0"}}, "BAD_REGION", "mask"),
        ({"image": IMAGE, "region": {"box": BOX}, "volume": True}, "BAD_REGION", "region"),
        ({"upload": "u0"}, "NOT_FOUND", None),
    ],
)
def test_a_question_that_makes_no_sense_is_a_problem(ask, kind, argument, client):
    found = search(client, **ask)
    assert found["__typename"] == "Problem"
    assert found["kind"] == kind, found
    assert argument is None or found["argument"] == argument
    assert "/tmp" not in found["message"] and "\n" not in found["message"]


def test_an_index_that_is_not_there_is_a_problem(client):
    found = graphql(client, SEARCH, index="other", ask={"image": IMAGE})["search"]
    assert found["kind"] == "NOT_FOUND"


EXPORT = """mutation($ask: Ask!, $form: String!) { export(index: "scans.index", ask: $ask, form: $form) {
  __typename ... on Export { address name size } ... on Problem { kind message argument } } }"""


def exported(client, form):
    made = graphql(client, EXPORT, ask={"image": IMAGE, "k": 3, "by": ["superpixel"]}, form=form)["export"]
    found = client.get(made["address"])
    assert found.status_code == 200
    assert len(found.content) == made["size"]
    assert found.headers["content-disposition"] == f'attachment; filename="{made["name"]}"'
    return found


def test_json_and_csv_are_those_of_the_command_line(client, index):
    theirs = asked(index, IMAGE, "-k", "3", "--by", "superpixel", *SAME)
    assert json.loads(exported(client, "json").text) == [theirs]
    rows = list(csv.DictReader(io.StringIO(exported(client, "csv").text)))
    assert [row["id"] for row in rows] == [hit["id"] for hit in theirs["hits"]]


def test_a_report_and_a_sheet_are_made(client):
    report = exported(client, "report").text
    assert report.startswith("<!doctype html>") and IMAGE in report
    assert exported(client, "sheet").content.startswith(b"\x89PNG")


def test_another_form_is_refused(client):
    found = graphql(client, EXPORT, ask={"image": IMAGE}, form="exe")["export"]
    assert (found["kind"], found["argument"]) == ("BAD_ASK", "form")


def test_a_hit_is_explained(client):
    document = """query($ask: Ask!) { explain(index: "scans.index", ask: $ask, hit: "ct0/003.dcm") {
      ... on Explanation { by score isFaithful sentence heat rows cols pairs { query hit isVerified } } } }"""
    ask = {"image": IMAGE, "by": ["superpixel"]}
    found = graphql(client, document, ask=ask)["explain"]
    assert found["by"] == "superpixel" and found["sentence"].startswith("score ")
    assert found["isFaithful"] == found["sentence"].endswith(": faithful")
    verified = [pair for pair in found["pairs"] if pair["isVerified"]]
    assert verified
    drifts = [pair["hit"][0] - pair["query"][0] for pair in verified]
    assert sorted(drifts)[len(drifts) // 2] == pytest.approx(4, abs=1)
    heat = client.get(found["heat"])
    assert heat.headers["content-type"] == "image/png"


def test_slices_of_a_hit_are_matched(client):
    document = """query($ask: Ask!) { sliceMatch(index: "scans.index", ask: $ask, hit: "ct0/005.dcm") {
      ... on SliceMatch { best slices { image positionMm score } } } }"""
    found = graphql(client, document, ask={"image": IMAGE, "by": ["thumbnail"]})["sliceMatch"]
    assert [one["positionMm"] for one in found["slices"]] == [0, 5, 10, 15, 20, 25]
    # The query's own slice is in the stack, and most like itself.
    assert found["slices"][found["best"]]["image"] == IMAGE


def test_a_mark_is_told_before_it_is_asked(client):
    document = """query($ask: Ask!) { region(index: "scans.index", ask: $ask) {
      ... on Outline { polygons pixels areaMm2 } ... on Problem { kind } } }"""
    found = graphql(client, document, ask={"image": IMAGE, "region": {"box": BOX}})["region"]
    assert found == {
        "polygons": [[[20, 30], [60, 30], [60, 66], [20, 66]]],
        "pixels": 40 * 36,
        "areaMm2": 40 * 36 * 0.25,
    }
    superpixel = graphql(client, document, ask={"image": IMAGE, "region": {"point": [50, 50]}})["region"]
    assert 0 < superpixel["pixels"] < 96 * 96 / 50


def noise_file(tmp_path):
    """Write an image that shows nothing of the index."""
    path = tmp_path / "noise.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (96, 96), dtype=np.uint8))
    return path


def test_a_region_that_is_nowhere_is_said_to_be_so_by_both(client, index, tmp_path, capsys):
    path = noise_file(tmp_path)
    upload = client.post("/uploads", content=path.read_bytes(), params={"name": "noise.png"}).json()["upload"]
    answer = search(client, upload=upload, by=["superpixel"], region={"box": [30, 30, 24, 24]}, k=3)
    assert (answer["nVerified"], answer["canVerify"]) == (0, True)
    said = [note for note in answer["notes"] if "nothing here matches the region in space" in note]
    assert len(said) == 1
    asked(index, path, "--by", "superpixel", "--region", "30,30,24,24", "-k", "3")
    assert "nothing here matches the region in space" in capsys.readouterr().err


def test_a_region_that_is_there_is_not(client, index, capsys):
    answer = search(client, image=IMAGE, by=["superpixel"], region={"box": BOX}, k=3)
    assert answer["nVerified"] and not any("in space" in note for note in answer["notes"])
    asked(index, IMAGE, "--by", "superpixel", *REGION, "-k", "3")
    assert "in space" not in capsys.readouterr().err


def test_references_are_shown_for_what_was_found(index, tmp_path):
    table = tmp_path / "references.csv"
    rows = [
        "fibrosis,literature,Honeycombing,one | two,https://example.org/a,ct0/001.dcm",
        "fibrosis,web,B,,,",
    ]
    table.write_text("\n".join(["label,kind,title,text,link,picture", *rows]) + "\n")
    with serving(index, references=References.read(table)) as client:
        document = """query($labels: [String!]!) { references(index: "scans.index", labels: $labels) {
          label kind title bullets link host picture } }"""
        first, second = graphql(client, document, labels=["none", "fibrosis"])["references"]
        key = graphql(
            client, '{ image(index: "scans.index", image: "ct0/001.dcm") { ... on Image { key } } }'
        )
        assert first == {
            "label": "fibrosis",
            "kind": "literature",
            "title": "Honeycombing",
            "bullets": ["one", "two"],
            "link": "https://example.org/a",
            "host": "example.org",
            "picture": key["image"]["key"],
        }
        assert (second["link"], second["host"], second["picture"]) == (None, None, None)


def test_a_mark_is_followed_through_the_slices(client, index):
    """Slices are 5 mm apart, the higher the lower their number; the best score of those that ask counts."""
    ask = {"by": ["superpixel"], "region": {"box": BOX}, "k": 12}
    found = search(client, image=IMAGE, throughMm=6, **ask)["hits"]
    names = [f"ct0/{number:03d}.dcm" for number in (1, 2, 3)]
    assert not {hit["image"]["id"] for hit in found} & set(names)
    # Among the same images: what is rare among these counts more in all of them.
    others = "not id in ('ct0/001.dcm', 'ct0/002.dcm', 'ct0/003.dcm')"
    with Index.open(index) as opened:
        options = QueryOptions(by=("superpixel",), region=Region.box(BOX[1], BOX[0], BOX[3], BOX[2]))
        asking = FollowedMark.of(opened, Query(IMAGE, known_as=IMAGE), options, 6).names
    assert IMAGE in asking and set(asking) <= set(names)
    single = [search(client, image=name, where=others, **{**ask, "k": 100})["hits"] for name in asking]
    best = {}
    for hit in (hit for hits in single for hit in hits):
        # Of each volume, which is a folder here, the best slice is a hit; other images are one each.
        image = hit["image"]["id"]
        case = image.partition("/")[0] if image.endswith(".dcm") else image
        best[case] = max(best.get(case, 0), hit["score"])
    assert [hit["score"] for hit in found] == sorted(best.values(), reverse=True)[:12]
    assert [hit["rank"] for hit in found] == list(range(1, len(best) + 1))
    theirs = asked(index, IMAGE, "--by", "superpixel", *REGION, "--through", "6", "-k", "12")["hits"]
    assert [(hit["image"]["id"], hit["score"]) for hit in found] == [
        (hit["id"], hit["score"]) for hit in theirs
    ]
    # Files of a stack are numbered from the head down, and its slices are in the order from the feet up.
    ranges = {hit["id"]: hit["slices"] for hit in theirs if "slices" in hit}
    ours = {hit["image"]["id"]: hit["extent"] for hit in found if hit["extent"]}
    assert {id: [extent["first"], extent["last"]] for id, extent in ours.items()} == ranges
    # ct0/005.dcm is the lowest.
    places = {id: [extent["start"], extent["end"]] for id, extent in ours.items()}
    assert places == {id: [5 - int(end[4:7]) for end in ends] for id, ends in ranges.items()}
    assert ranges.keys() == {hit["id"] for hit in theirs if hit["id"].startswith("ct")}
    assert all(first >= id >= last for id, (first, last) in ranges.items())


def test_cases_are_found_by_their_best_slice(client):
    ask = {"by": ["superpixel"], "region": {"box": BOX}, "groupBy": "patient", "k": 9}
    found = search(client, image=IMAGE, throughMm=100, **ask)["hits"]
    cases = [hit["case"]["value"] for hit in found]
    # The two other patients, and two images without one; all slices of the mark's own stack asked.
    assert len(cases) == len(set(cases)) == 4


def test_findings_of_a_followed_mark_are_those_of_its_best_slices(client, index):
    """The best case of three slices together decides, not that of the marked one."""
    ask = {"by": ["superpixel"], "region": {"box": BOX}, "groupBy": "patient", "notSame": "patient", "k": 1}
    labels = {"ct1": "normal", "ct2": "fibrosis"}
    found = search(client, image=IMAGE, throughMm=6, where="label != ''", findings=True, **ask)
    best = labels[found["hits"][0]["image"]["id"].partition("/")[0]]
    assert found["findings"]["drawn"] == 1
    assert [one["label"] for one in found["findings"]["items"] if one["found"]] == [best]
    flags = ["--by", "superpixel", *REGION, "--through", "6", "-k", "1", "--group-by", "patient"]
    theirs = asked(index, IMAGE, *flags, "--not-same", "patient", "--where", "label != ''", "--findings")
    assert [one["label"] for one in theirs["findings"]["labels"] if one["found"]] == [best]


@pytest.mark.parametrize(
    ("ask", "kind", "argument"),
    [
        ({"image": IMAGE, "throughMm": 5}, "BAD_ASK", "through"),
        ({"image": IMAGE, "throughMm": -1, "region": {"box": BOX}}, "BAD_ASK", "through"),
        ({"image": "grey.png", "throughMm": 5, "region": {"box": [0, 0, 40, 40]}}, "BAD_ASK", "through"),
    ],
)
def test_a_mark_that_cannot_be_followed_is_a_problem(ask, kind, argument, client):
    found = search(client, **ask)
    assert (found["kind"], found["argument"]) == (kind, argument)


def test_notes_are_those_of_the_command_line(client, index, capsys):
    flat = {"box": [0, 0, 4, 4]}
    ask = {"by": ["thumbnail"], "region": flat, "notSame": "patient", "groupBy": "patient"}
    ours = search(client, image="grey.png", k=2, **ask)["notes"]
    flags = ["--by", "thumbnail", "--region", "0,0,4,4", "--not-same", "patient", "--group-by", "patient"]
    asked(index, "grey.png", "-k", "2", *SAME, *flags)
    theirs = [line.removeprefix("note: ") for line in capsys.readouterr().err.splitlines()]
    assert len(ours) >= 2 and ours == theirs


@pytest.mark.parametrize(("first", "second"), [(["superpixel"], []), ([], ["thumbnail"])])
def test_head_to_head_does_not_compare_what_is_not_there(first, second, client):
    document = """query($ask: Ask!, $first: [String!]!, $second: [String!]!) {
      headToHead(index: "scans.index", ask: $ask, first: $first, second: $second) {
        __typename ... on Problem { kind message argument } } }"""
    found = graphql(client, document, ask={"image": IMAGE}, first=first, second=second)["headToHead"]
    assert (found["kind"], found["argument"]) == ("BAD_ASK", "by")
