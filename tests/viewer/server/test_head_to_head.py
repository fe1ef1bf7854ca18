"""Head to head: one question to two choices of representations, and what both found."""

from __future__ import annotations

from support.served import graphql

IMAGE = "ct0/002.dcm"


def test_two_choices_are_asked_head_to_head(client):
    document = """query($ask: Ask!) { headToHead(index: "scans.index", ask: $ask, first: ["superpixel"],
      second: ["thumbnail"]) { ... on HeadToHead { share shared first { by hits { image { id } } }
      second { by hits { image { id } } } } } }"""
    both = graphql(client, document, ask={"image": IMAGE, "k": 4})["headToHead"]
    first, second = ([hit["image"]["id"] for hit in both[side]["hits"]] for side in ("first", "second"))
    assert (both["first"]["by"], both["second"]["by"]) == (["superpixel"], ["thumbnail"])
    assert both["shared"] == [name for name in first if name in second]
    assert both["share"] == len(both["shared"]) / 4


def test_both_found_a_case_whichever_image_of_it_each_found_best(client):
    document = """query($ask: Ask!) { headToHead(index: "scans.index", ask: $ask, first: ["superpixel"],
      second: ["thumbnail"]) { ... on HeadToHead { share shared
      first { hits { image { id } case { value } } } second { hits { image { id } case { value } } } } } }"""
    ask = {"image": IMAGE, "groupBy": "patient", "where": "modality = 'CT'"}
    both = graphql(client, document, ask=ask)["headToHead"]
    sides = [both[side]["hits"] for side in ("first", "second")]
    ours, theirs = ({hit["case"]["value"]: hit["image"]["id"] for hit in hits} for hits in sides)
    assert len(ours) == 3 and ours.keys() == theirs.keys()
    assert ours != theirs
    assert (both["share"], both["shared"]) == (1, list(ours))
