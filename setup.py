"""What setup.cfg cannot say: the description for package indexes, where links between files lead nowhere."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import setup

REPOSITORY = ""
"""Where the files of the repository can be seen, such as ``https://HOST/OWNER/semblance/blob/main``; empty as
long as it has no public address. To name it is all that links and the project's URLs need."""

_LINK = re.compile(r"(?P<mark>!?)\[(?P<text>[^]]*)\]\((?![a-z]+:|#)(?P<place>[^)\s]+)\)")


def description(readme: str, repository: str = REPOSITORY) -> str:
    """Return a README whose links to files work without the files around it.

    With an address of the repository they lead there; without one the file is named, and of an image its text
    is shown.
    """

    def elsewhere(link: re.Match[str]) -> str:
        text, place = link["text"], link["place"]
        if repository:
            address = repository.replace("/blob/", "/raw/") if link["mark"] else repository
            return f"{link['mark']}[{text}]({address}/{place})"
        return f"*{text}: `{place}`*" if link["mark"] else f"{text} (`{place}`)"

    return _LINK.sub(elsewhere, readme)


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    setup(
        long_description=description((here / "README.md").read_text(encoding="utf-8")),
        project_urls={"Source": REPOSITORY.partition("/blob/")[0]} if REPOSITORY else {},
    )
