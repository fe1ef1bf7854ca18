"""Type documents again and put into them what is printed now.

``python tests/support/retype.py FOLDER DOCUMENT…``: FOLDER holds what the documents begin with (such as
``demo/pictures``), and they are typed there in the order given.
What a document abridges with a line ``…`` stays as it is, and differences are printed, to be edited by hand.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.transcripts import Step, differences, plain, run, steps


def retype(path: Path) -> None:
    """Type a document in the current folder, and rewrite it."""
    text = path.read_text(encoding="utf-8")
    for step in list(steps(path)):
        if step.mark == "not run":
            continue
        code, printed = run(step)
        wrong = differences(step.expected, printed)
        if code:
            print(f"{path.name}:{step.line}: exit code {code}: {printed}")
        if wrong and "…" in step.expected:
            print(f"{path.name}:{step.line}: {step.typed}", *wrong, printed, sep="\n  ")
        elif wrong:
            text = put(text, step, "\n".join(row.rstrip() for row in printed.splitlines() if plain(row)))
    path.write_text(text, encoding="utf-8")


def put(text: str, step: Step, printed: str) -> str:
    """Replace what a document says that a step prints."""
    below = f"{printed}\n" if printed else ""
    was = f"{step.expected}\n".replace("\n\n", "\n") if step.expected.strip() else ""
    if step.kind == "python":
        old = f"{step.typed}```\n\n```text\n{step.expected}```"
        return text.replace(old, f"{step.typed}```\n\n```text\n{below}```", 1)
    typed = re.escape(f"$ {step.typed}\n")
    if step.expected.strip():
        was = f"{step.expected}\n"
        return re.sub(typed + re.escape(was), lambda _: f"$ {step.typed}\n{below}", text, count=1)
    return re.sub(typed, lambda _: f"$ {step.typed}\n{below}", text, count=1)


if __name__ == "__main__":
    folder, *documents = (Path(word).resolve() for word in sys.argv[1:])
    os.chdir(folder)
    for document in documents:
        retype(document)
