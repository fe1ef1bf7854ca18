"""Subscriptions: events over server-sent events, and what they say."""

from __future__ import annotations

import json

from support.served import graphql

SEARCHING = """subscription($ask: Ask!) { searching(index: "scans.index", ask: $ask) { __typename
  ... on Progress { stage done total } ... on Answer { hits { image { id } } findings { drawn } }
  ... on AnswerFindings { findings { drawn } }
  ... on Problem { kind } } }"""
MAPPING = """subscription { mapping(index: "scans.index", by: "thumbnail", method: "pca") { __typename
  ... on Map { places { id } } } }"""


def events(client, document, **variables):
    """Return the events of a subscription that ends."""
    body, headers = {"query": document, "variables": variables}, {"accept": "text/event-stream"}
    answer = client.post("/graphql", json=body, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    texts = answer.text.replace("\r\n", "\n").strip().split("\n\n")
    blocks = [dict(line.partition(": ")[::2] for line in text.split("\n")) for text in texts]
    assert blocks[-1]["event"] == "complete"
    return [json.loads(one["data"])["data"] for one in blocks if one.get("event") == "next"]


def test_hits_come_before_findings(client):
    ask = {"image": "ct0/002.dcm", "by": ["thumbnail"], "findings": True, "k": 3, "groupBy": "patient"}
    found = [one["searching"] for one in events(client, SEARCHING, ask=ask)]
    assert [one["__typename"] for one in found] == ["Progress", "Answer", "Progress", "AnswerFindings"]
    assert found[1]["findings"] is None and found[3]["findings"]["drawn"] == 2
    assert len(found[1]["hits"]) == 3


def test_without_findings_the_answer_is_the_end(client):
    found = [one["searching"]["__typename"] for one in events(client, SEARCHING, ask={"image": "grey.png"})]
    assert found == ["Progress", "Answer"]


def test_a_problem_is_the_end(client):
    ask = {"image": "none", "findings": True}
    found = [one["searching"] for one in events(client, SEARCHING, ask=ask)]
    assert [one["__typename"] for one in found] == ["Progress", "Problem"]


def test_a_map_is_under_way_and_then_there(client):
    found = [one["mapping"] for one in events(client, MAPPING)]
    assert [one["__typename"] for one in found] == ["Progress", "Map"]
    assert len(found[1]["places"]) == len(
        graphql(client, '{ images(index: "scans.index", first: 100) { ... on ImagePage { items { id } } } }')[
            "images"
        ]["items"]
    )
