"""The structure of the code, measured: rooms, arrows, sizes and comments.

    python tests/support/structure.py

A room is a file or a folder seen from the folder it is in; an arrow is an import between two rooms of one
folder.
"""

from __future__ import annotations

import ast
import io
import statistics
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("bovw", "cli", "deep", "pacs", "retrieval", "scale", "semblance", "viewer")


def modules(*folders: str) -> list[Path]:
    """Return the Python files below some folders, in order."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def dotted(path: Path) -> str:
    """Return the name under which a file is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def parsed(path: Path) -> list[ast.AST]:
    """Return all nodes of a file; each is parsed once, and asked about many times."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def imports(path: Path) -> frozenset[str]:
    """Return the full names of all that a file imports, at its top or in any function."""
    return frozenset(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    parts = dotted(path).split(".")
    package = parts if path.name == "__init__.py" else parts[:-1]
    for node in parsed(path):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *(node.module.split(".") if node.module else [])]
            yield from (".".join([*base, name.name]) for name in node.names)


@cache
def room_of(name: str, folder: str) -> str | None:
    """Return the room of a folder (``a.b``) in which a name is; None if it is elsewhere."""
    prefix = f"{folder}."
    rest = name.removeprefix(prefix) if name.startswith(prefix) else ""
    room = rest.split(".")[0]
    place = ROOT.joinpath(*folder.split("."), room)
    return room if room and (place.is_dir() or place.with_suffix(".py").is_file()) else None


def rooms(folder: str) -> set[str]:
    """Return the rooms of a folder ``a/b``; its ``__init__.py`` is none."""
    place = ROOT / folder
    files = {path.stem for path in place.glob("*.py")} - {"__init__", "__main__"}
    return files | {path.name for path in place.iterdir() if any(path.glob("*.py"))}


def arrows(folder: str) -> set[tuple[str, str]]:
    """Return the pairs (importing, imported) of different rooms of a folder ``a/b``."""
    package = folder.replace("/", ".")
    found = set()
    for path in modules(folder):
        source = room_of(dotted(path), package)
        targets = {room_of(name, package) for name in imports(path)} - {None, source}
        found |= {(source, target) for target in targets if source is not None}
    return found


def circle(pairs: set[tuple[str, str]]) -> list[str]:
    """Return rooms that import each other in a circle; nothing if there is none."""
    left = set(pairs)
    while left:
        sources = {a for a, _ in left}
        kept = {(a, b) for a, b in left if b in sources}
        if kept == left:
            return sorted({a for a, _ in left})
        left = kept
    return []


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the name of each function of a file, and its lines of code without its docstring."""
    text = path.read_text(encoding="utf-8")
    code = code_lines(text)
    for node in parsed(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            skip = set()
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                skip = set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
            span = set(range(node.lineno, (node.end_lineno or node.lineno) + 1)) - skip
            yield f"{dotted(path)}.{node.name}", len(span & code)


@cache
def code_lines(text: str) -> set[int]:
    """Return the numbers of the lines that hold code."""
    quiet = {
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER
    }  # fmt: skip
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in quiet:
            found |= set(range(token.start[0], token.end[0] + 1))
    return found


def comments(path: Path) -> tuple[int, int]:
    """Return how many lines of a file hold a comment that says something, and how many hold code.

    Lines of docstrings count as neither; directives for tools (``noqa``, ``type:``) are no comments.
    """
    text = path.read_text(encoding="utf-8")
    doc: set[int] = set()
    for node in parsed(path):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            doc |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    said = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
        and not token.string.lstrip("# ").startswith(("noqa", "type:", "fmt:", "pragma", "ruff:"))
    }
    return len(said), len(code_lines(text) - doc)


def main() -> None:
    """Print the structure."""
    for folder in ("retrieval", "retrieval/index", "bovw", "cli", "deep", "benchmarks"):
        found = arrows(folder)
        print(f"{folder}: {len(rooms(folder))} rooms, {len(found)} arrows, circle {circle(found) or 'none'}")
        if "-v" in sys.argv:
            print("   " + "  ".join(f"{a}>{b}" for a, b in sorted(found)))
    for folder in PRODUCT:
        files = modules(folder)
        sizes = sorted(size for path in files for _, size in functions(path))
        said, code = map(sum, zip(*(comments(path) for path in files), strict=True))
        print(
            f"{folder}: functions median {statistics.median(sizes)}, p95 {sizes[int(len(sizes) * 0.95)]}; "
            f"{100 * said / code:.1f} comment lines per 100 of code"
        )
    for path in modules(*PRODUCT, "benchmarks"):
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > 250:
            print(f"{path.relative_to(ROOT)}: {n} lines")


if __name__ == "__main__":
    main()
