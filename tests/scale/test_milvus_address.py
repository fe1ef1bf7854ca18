"""Addresses of Milvus hold no secret, and filters become expressions of numbers alone."""

from __future__ import annotations

import pytest

from retrieval.errors import OptionError, SettingError
from retrieval.index.storage.ranker_choice import check_choice, check_engine
from retrieval.rankers.engine import AllOf, EngineError, HasCell, NoneOf, OneOf
from scale.milvus.address import MilvusAddress, seconds
from scale.milvus.expression import expression


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """Forget the credentials of whoever runs the tests."""
    monkeypatch.delenv("SEMBLANCE_MILVUS_TOKEN", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return tmp_path / "netrc"


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("http://root:Milvus@host:19530", "the address holds a user or a password"),
        ("http://token@host:19530", "the address holds a user or a password"),
        ("host:19530", "is no address of a server; write milvus:http://HOST:19530"),
        ("http://", "is no address"),
        ("http://host:port", "write milvus:http://HOST:19530"),
        ("http://host:19530?token=x", "is no address"),
    ],
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused_without_it(place, why):
    with pytest.raises(SettingError, match=why) as refused:
        MilvusAddress.parse(place)
    assert "Milvus@" not in str(refused.value)


def test_the_token_comes_from_the_environment_or_a_netrc_file(nobody, monkeypatch):
    here = MilvusAddress.parse("http://127.0.0.1:19530")
    assert here.token() == ""
    nobody.write_text("machine 127.0.0.1 login root password from-netrc\n")
    nobody.chmod(0o600)
    assert here.token() == "root:from-netrc"
    monkeypatch.setenv("SEMBLANCE_MILVUS_TOKEN", "from-environment")
    assert here.token() == "from-environment"
    assert MilvusAddress.parse("https://far.example:443/db").token() == "from-environment"


def test_a_token_never_goes_over_a_network_in_clear(nobody, monkeypatch):
    far = MilvusAddress.parse("http://far.example:19530")
    assert far.token() == ""
    monkeypatch.setenv("SEMBLANCE_MILVUS_TOKEN", "secret")
    with pytest.raises(EngineError, match="use https://") as refused:
        far.token()
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["0", "-1", "soon", "inf", "nan"])
def test_seconds_that_are_none_are_refused(monkeypatch, text):
    monkeypatch.setenv("SEMBLANCE_ENGINE_SECONDS", text)
    with pytest.raises(SettingError, match="SEMBLANCE_ENGINE_SECONDS"):
        seconds()


def test_a_filter_becomes_an_expression_with_brackets():
    condition = AllOf((OneOf((HasCell(7, (1, 2)), HasCell(0, ()))), NoneOf(HasCell(0, (3,)))))
    assert expression(condition) == ("(((cell7 in [1, 2]) or (id < 0)) and (not (cell0 in [3])))")


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        ("milvus", "milvus needs the address of a server"),
        ("milvus:", "milvus needs the address of a server"),
        ("hnsw:http://host", "hnsw is no engine, and takes no address"),
        ("milvs:http://host", "did you mean milvus?"),
        ("auto:x", "auto is no engine"),
    ],
)
def test_a_choice_that_is_no_engine_is_refused(choice, why):
    pytest.importorskip("pymilvus")
    with pytest.raises(OptionError, match=why.replace("?", r"\?")):
        check_choice(choice)


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        ("foo:bar", "there is no engine 'foo'; write milvus:http://HOST:PORT"),
        ("milvs:x", "there is no engine 'milvs'; write milvus:http://HOST:PORT; did you mean milvus?"),
        ("hnsw:http://host", "hnsw:http://host is no engine; write milvus:http://HOST:PORT"),
        ("auto", "auto is no engine; write milvus:http://HOST:PORT"),
        ("milvus:", "milvus needs the address of a server"),
    ],
)
def test_a_push_offers_no_ranker_that_takes_no_copy(choice, why):
    pytest.importorskip("pymilvus")
    with pytest.raises(OptionError) as refused:
        check_engine(choice)
    assert refused.value.problem.startswith(why)
    assert "exact" not in str(refused.value)
