"""Subscriptions: events over server-sent events, and what they say."""

from __future__ import annotations

import json
import threading
import time

import httpx
from support.served import graphql
from support.server_process import listening

SEARCHING = """subscription($ask: Ask!) { searching(index: "scans.index", ask: $ask) { __typename
  ... on Progress { stage done total } ... on Answer { hits { image { id } } findings { drawn } }
  ... on AnswerFindings { findings { drawn } }
  ... on Problem { kind } } }"""
MAPPING = """subscription { mapping(index: "scans.index", by: "thumbnail", method: "pca") { __typename
  ... on Map { places { id } } } }"""

EXPLAINING = """subscription($ask: Ask!) { explaining(index: "scans.index", ask: $ask, hit: "ct1/002.dcm") {
  __typename ... on Progress { stage done total } ... on Explanation { by score sentence }
  ... on Problem { kind } } }"""
SSE = {"accept": "text/event-stream"}


def events(client, document, **variables):
    """Return the events of a subscription that ends."""
    answer = client.post("/graphql", json={"query": document, "variables": variables}, headers=SSE)
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


def test_an_explanation_says_how_far_it_is(client, monkeypatch):
    monkeypatch.setattr("viewer.server.api.subscriptions._EVERY", 0.001)
    ask = {"image": "ct0/002.dcm", "by": ["superpixel"]}
    *steps, last = [one["explaining"] for one in events(client, EXPLAINING, ask=ask)]
    done = [step["done"] for step in steps]
    assert done == sorted(done) and 0 < done[-1] < steps[-1]["total"] == 42
    document = """query($ask: Ask!) { explain(index: "scans.index", ask: $ask, hit: "ct1/002.dcm") {
      __typename ... on Explanation { by score sentence } } }"""
    assert last == graphql(client, document, ask=ask)["explain"]


def test_what_cannot_be_explained_is_a_problem(client):
    assert events(client, EXPLAINING, ask={"image": "none"})[-1]["explaining"]["__typename"] == "Problem"


def test_who_goes_away_ends_an_explanation(index, monkeypatch):
    ended = threading.Event()

    def endless(*asked):
        *_, report = asked
        try:
            while True:
                report(0, 0)
                time.sleep(0.01)
        finally:
            ended.set()

    monkeypatch.setattr("viewer.server.api.subscriptions.explained", endless)
    body = {"query": EXPLAINING, "variables": {"ask": {"image": "grey.png"}}}
    with listening(index) as address, httpx.Client(base_url=address) as client:
        with client.stream("POST", "/graphql", json=body, headers=SSE) as answer:
            next(answer.iter_lines())
            assert not ended.is_set()
        assert ended.wait(20)
