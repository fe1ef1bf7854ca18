"""The scripts of the page as they are sent: without comments and blanks, otherwise as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pygments.lexers.javascript import JavascriptLexer
from pygments.token import Comment, String

from viewer.server.routes.page import FOLDER

SCRIPTS = sorted((FOLDER / "page" / "js").glob("*.js"))


def words_of(script: str) -> Iterator[tuple[object, str]]:
    """Yield the tokens of a script, texts with their blanks but for those at the start of lines."""
    for kind, text in JavascriptLexer().get_tokens(script):
        blanks = r"(?<=\n)\s+" if kind in String else r"\s+"
        if kind not in Comment and (word := re.sub(blanks, "", text)):
            yield kind, word


def without_needless(words: list[tuple[object, str]]) -> list[tuple[object, str]]:
    """Leave out the brackets around a lone argument of an arrow, and the last semicolon of a block."""
    text = [word for _, word in words]
    dropped = set()
    for i, word in enumerate(text):
        if word == "=>" and text[i - 3] == "(" and text[i - 1] == ")" and text[i - 4] != "async":
            dropped |= {i - 3, i - 1}
        if word == ";" and text[i + 1 : i + 2] == ["}"]:
            dropped.add(i)
    return [word for i, word in enumerate(words) if i not in dropped]


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_nothing_but_comments_blanks_and_needless_signs_is_left_out(file, client):
    script = file.read_text()
    sent = client.get(f"/static/page/js/{file.name}")
    assert sent.headers["content-type"].startswith("text/javascript")
    assert without_needless(list(words_of(sent.text))) == without_needless(list(words_of(script)))
    assert not re.search(r"^\s*(//|/\*|\n| )", sent.text, re.MULTILINE)


def test_all_scripts_together_are_small(client):
    """All parts, whole slides too: 80 kB as they run, and 36 kB on the way; no page needs all of them."""
    sent = [client.get(f"/static/page/js/{file.name}") for file in SCRIPTS]
    assert 60_000 < sum(len(one.content) for one in sent) <= 80_000
    assert 20_000 < sum(int(one.headers["content-length"]) for one in sent) <= 36_000


def test_a_script_that_has_not_changed_is_not_sent_again(client):
    address = "/static/page/js/main.js"
    first = client.get(address)
    again = client.get(address, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "no-cache"
