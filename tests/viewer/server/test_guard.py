"""The guard: who may ask, from where, and how much; and what a refusal gives away."""

from __future__ import annotations

import pytest
from support.served import graphql
from support.server_process import serving

from viewer.server.guard import POLICY, Rules, host_of, is_loopback

ASK = {"query": "{ indexes { id } }"}
TOKEN = "a-token"


@pytest.fixture(scope="module")
def closed(index):
    """A server that asks for a token."""
    with serving(index, rules=Rules(hosts=None, token=TOKEN)) as client:
        yield client


@pytest.mark.parametrize("host", ["localhost:8417", "127.0.0.1:8417", "[::1]:8417", "LOCALHOST"])
def test_this_machine_may_ask(host, client):
    assert client.post("/graphql", json=ASK, headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:8417", "", "["])
def test_another_name_is_refused(host, client):
    """A name that an attacker points at this machine (DNS rebinding)."""
    assert client.post("/graphql", json=ASK, headers={"host": host}).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9999", "file://"])
def test_a_page_of_another_site_is_refused(origin, client):
    assert client.post("/graphql", json=ASK, headers={"origin": origin}).status_code == 403
    assert client.get("/state", headers={"origin": origin}).status_code == 403


def test_the_page_itself_may_ask(client):
    headers = {"origin": "http://localhost:8417", "sec-fetch-site": "same-origin"}
    assert client.post("/graphql", json=ASK, headers=headers).status_code == 200


def test_a_request_that_a_browser_marks_as_foreign_is_refused(client):
    assert client.get("/state", headers={"sec-fetch-site": "cross-site"}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/state", "/graphql", "/images/scans.index/0/pixels", "/made/0/x", "/static"]
)
@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer \xe9"])
def test_nothing_is_told_without_the_token(path, header, closed):
    headers = {} if header is None else {"authorization": header.encode("latin-1")}
    assert closed.get(path, headers=headers).status_code == 401


def test_the_token_opens(closed):
    headers = {"authorization": f"Bearer {TOKEN}", "host": "reading-room:8417"}
    assert closed.post("/graphql", json=ASK, headers=headers).json()["data"]["indexes"] == [
        {"id": "scans.index"}
    ]


def test_the_page_and_its_files_need_no_token(closed):
    assert closed.get("/").status_code == 200
    assert closed.get("/static/tokens.css").status_code == 200


def test_no_file_outside_the_page_is_given(client):
    for path in ("/static/../server/app.py", "/static/%2e%2e/server/app.py", "/static//etc/passwd"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/state", "/static/tokens.css", "/images/scans.index/0/pixels"])
def test_every_answer_keeps_the_page_to_itself(path, client):
    headers = client.get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in headers and "access-control-allow-origin" not in headers
    assert "server" not in headers


def errors(client, document):
    answer = client.post("/graphql", json={"query": document})
    return " ".join(error["message"] for error in answer.json()["errors"])


def test_a_request_may_not_go_deep(client):
    assert "depth" in errors(client, "{ indexes " * 13 + "{ id }" + " }" * 13)


def test_a_request_may_not_ask_for_the_schema(client):
    """``fields { type { fields { type …`` grows with each level, and no limit of depth counts it."""
    assert "introspection" in errors(client, "{ __schema { types { fields { type { name } } } } }")
    assert "introspection" in errors(client, '{ __type(name: "Hit") { name } }')


def test_a_request_has_few_aliases(client):
    aliases = " ".join(f"a{n}: indexes {{ id }}" for n in range(31))
    assert "aliases" in errors(client, f"{{ {aliases} }}")


def test_a_request_has_few_words(client):
    assert "tokens" in errors(client, f"{{ indexes {{ {'id ' * 2001} }} }}")


def test_a_request_is_short(client):
    answer = client.post("/graphql", json={"query": "{ indexes { id } }" + " " * 300_000})
    assert answer.status_code == 413


def test_queries_are_posted_as_json(client):
    assert client.get("/graphql", params=ASK).status_code in (400, 404, 405)
    assert client.post("/graphql", data=ASK).status_code in (400, 415)


@pytest.mark.parametrize("body", [b"5", b"null", b'"x"', b"[" * 100_000, b'{"a":' * 50_000])
def test_a_body_that_is_no_object_is_refused(body, client):
    answer = client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400


def test_what_nobody_has_foreseen_is_told_to_the_terminal_alone(client, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("secret /home/someone/scans")

    monkeypatch.setattr("viewer.server.api.browsing.list_images", fail)
    answer = client.post("/graphql", json={"query": '{ images(index: "scans.index") { __typename } }'})
    assert answer.json()["errors"][0]["message"] == "internal error; the server's log has more"
    assert "secret" not in answer.text
    assert "secret" in caplog.text


def test_a_whole_reading_is_within_the_limits(client):
    """The largest question of the page: all that an answer holds."""
    from support.served import search

    assert search(client, image="ct0/002.dcm", findings=True, groupBy="patient", k=100)["hits"]
    assert graphql(client, "{ indexes { id name images representations { name family isLoaded } } }")


@pytest.mark.parametrize(
    ("text", "host"), [("a:1", "a"), ("A", "a"), ("[::1]:8", "::1"), ("", None), ("[", None), ("[x]", None)]
)
def test_the_host_of_a_header(text, host):
    assert host_of(text) == host


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_the_loopback(host, is_local):
    assert is_loopback(host) is is_local
