"""``semblance serve`` without what it needs, and what it refuses before it opens anything."""

import sys

import pytest

from cli.main import main


@pytest.mark.parametrize("package", ["starlette", "strawberry", "uvicorn"])
def test_a_package_that_is_missing_is_named_with_the_remedy(package, tmp_path, monkeypatch, capsys):
    for name in ("starlette", "strawberry", "uvicorn"):
        # None in sys.modules makes an import fail, as if the package were not there.
        monkeypatch.setitem(sys.modules, name, None if name == package else sys)
    assert main(["serve", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert f"needs the package {package}; pip install 'semblance[viewer]'" in said
    assert len(said.splitlines()) == 1


def test_the_help_says_who_can_reach_it(capsys):
    assert main(["serve", "--help"]) == 0
    assert "not encrypted" in capsys.readouterr().out


def test_an_index_must_be_named(capsys):
    assert main(["serve"]) == 2
    assert "INDEX" in capsys.readouterr().err
