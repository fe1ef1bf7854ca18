"""Weight files as bytes: their hash, their header, what is kept of them. Without a network library."""

import hashlib
import json

import pytest

from deep import deep
from deep.networks import weight_files
from retrieval.errors import SettingError


def packed(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def test_the_fingerprint_is_the_hash_of_the_bytes():
    assert weight_files.fingerprint(b"abc") == "sha256:" + hashlib.sha256(b"abc").hexdigest()


def test_a_header_holds_its_metadata_as_text():
    assert weight_files.header(packed({"__metadata__": {"a": "b", "n": 3}}), "x") == {"a": "b", "n": "3"}
    assert weight_files.header(packed({}), "x") == {}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        packed({})[:-1],
        (2**63).to_bytes(8, "little") + b"{}",
        packed(b"[]"),
        packed(b"3"),
        packed(b"{"),
        packed(b"\xff\xfe"),
        packed(b"[" * 100_000),
        packed({"__metadata__": 3}),
        packed({"__metadata__": None}),
        b"\x80\x04\x95" + b"x" * 40,
        b"PK\x03\x04" + b"x" * 40,
    ],
)
def test_what_is_no_safetensors_file_is_refused_by_name(data):
    with pytest.raises(SettingError, match=r"weights: some\.file: no safetensors"):
        weight_files.header(data, "some.file")


def test_the_side_is_what_the_header_says():
    assert weight_files.side(packed({"__metadata__": {"architecture": '{"side": 48}'}}), "x") == 48
    assert weight_files.side(packed({"__metadata__": {"architecture": "{}"}}), "x") is None
    assert weight_files.side(packed({}), "x") is None


@pytest.mark.parametrize(
    "header",
    ["{", "[]", "3", '{"side": "48"}', '{"side": 4.5}', '{"side": true}', '{"side": [1]}', "[" * 99_999],
)
def test_a_side_that_makes_no_sense_is_refused_by_name(header):
    with pytest.raises(SettingError, match=r"weights: some\.file"):
        weight_files.side(packed({"__metadata__": {"architecture": header}}), "some.file")


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path):
    for missing in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(SettingError, match=f"{missing.name}.*give the path"):
            weight_files.read(missing)


def test_the_canonical_header_is_in_one_order_and_says_the_same():
    one = packed({"b": {"x": 1}, "__metadata__": {"z": "1", "a": "2"}}, b"body")
    two = packed({"__metadata__": {"a": "2", "z": "1"}, "b": {"x": 1}}, b"body")
    assert one != two
    assert weight_files.canonical(one) == weight_files.canonical(two)
    assert weight_files.header(weight_files.canonical(one), "x") == {"a": "2", "z": "1"}
    assert weight_files.canonical(one).endswith(b"body")
    assert (len(weight_files.canonical(one)) - 4) % 8 == 0


def test_kept_bytes_belong_to_the_settings_that_name_their_hash():
    data = packed({"__metadata__": {"timm": weight_files.conversion("timm/a", "sha256:1")}})
    assert weight_files.belong(data, "semblance", weight_files.fingerprint(data))
    assert not weight_files.belong(data, "semblance", weight_files.fingerprint(b""))
    assert weight_files.belong(data, "timm/a", "sha256:1")
    assert not weight_files.belong(data, "timm/b", "sha256:1")
    assert not weight_files.belong(data, "timm/a", "sha256:2")
    assert not weight_files.belong(b"nonsense", "timm/a", "sha256:1")


def test_the_weights_of_the_package_are_found_by_their_hash():
    """An index that has learnt nothing yet, as one of a folder that was empty, knows the settings alone."""
    kept = deep(**deep().settings)
    assert kept.source is None
    assert kept.load().network_.weights_.tobytes() == weight_files.bundled().read_bytes()
    with pytest.raises(SettingError, match="--by deep --weights bundled, or give the file itself"):
        deep(**{**kept.settings, "weights": weight_files.fingerprint(b"another")}).load()
