"""The distribution: what it owns, what it imports, and what the built wheel holds."""

from __future__ import annotations

import ast
import configparser
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distribution, entry_points, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("bovw", "cli", "deep", "pacs", "retrieval", "scale", "semblance", "viewer")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
EXTRAS = {"torch", "torchvision", "pandas", "matplotlib"}
"""What only extras install, or nobody."""
SERVER = {"starlette", "strawberry", "uvicorn", "graphql"}
"""What the extra ``viewer`` installs."""
CLUSTER = {"dask", "distributed"}
"""What the extra ``scale`` installs."""
LATE = {"scipy", "sklearn", "skimage"}
"""What every install has, and is imported inside functions: it takes longer to load than a query."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def imports(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Return the first parts of all names that a file imports: anywhere, and when it is imported itself."""
    found: tuple[set[str], set[str]] = set(), set()
    nodes: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_text(encoding="utf-8")), False)]
    for node, is_late in nodes:
        names: set[str] = set()
        if isinstance(node, ast.Import):
            names = {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = {node.module.split(".")[0]}
        found[0].update(names)
        found[1].update(set() if is_late else names)
        is_late = is_late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        nodes += ((child, is_late) for child in ast.iter_child_nodes(node))
    return frozenset(found[0]), frozenset(found[1])


def imported(path: Path) -> frozenset[str]:
    """Return the first parts of all names that a file imports, at its top or in any function."""
    return imports(path)[0]


def at_the_top(path: Path) -> frozenset[str]:
    """Return the first parts of the names that are imported when a file is."""
    return imports(path)[1]


def loaded_by(code: str) -> set[str]:
    """Return the modules, by the first part of their names, that a fresh interpreter has after some code."""
    show = "import sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("package", PACKAGES)
def test_this_distribution_alone_owns_the_names_of_its_packages(package: str) -> None:
    # The same distribution is found twice where the checkout is the current directory.
    assert set(packages_distributions()[package]) == {"semblance"}


def test_the_version_is_that_of_setup_cfg() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    assert config["metadata"]["version"] == version("semblance")


def test_the_base_install_needs_no_torch_and_no_opencv_with_windows() -> None:
    base = [line for line in distribution("semblance").requires or [] if "extra ==" not in line]
    names = {line.split(">")[0].split("<")[0].strip().lower() for line in base}
    assert "opencv-python-headless" in names
    assert not names & {"torch", "opencv-python", "opencv-contrib-python", "pylibjpeg-libjpeg"}


def test_the_entry_points_load_and_make_what_they_are_called() -> None:
    found = {entry.name: entry for entry in entry_points(group="semblance.representations")}
    assert {"sift", "dense", "superpixel", "deep", "thumbnail", "colour"} <= found.keys()
    for name, entry in found.items():
        if entry.dist is not None and entry.dist.name == "semblance":
            assert entry.load()().name == name


def test_the_command_is_installed() -> None:
    (command,) = (e for e in entry_points(group="console_scripts") if e.name == "semblance")
    assert command.value == "cli.main:main"


def test_what_only_extras_install_is_imported_by_deep_alone() -> None:
    assert [name(p) for p in MODULES if imported(p) & EXTRAS and not name(p).startswith("deep/")] == []


def test_what_serves_the_page_is_imported_by_the_server_alone() -> None:
    wanted = [name(p) for p in MODULES if imported(p) & SERVER and not name(p).startswith("viewer/server/")]
    assert wanted == ["cli/commands/serve.py"]


def test_what_a_cluster_needs_is_loaded_by_its_executor_alone() -> None:
    found = [name(p) for p in MODULES if at_the_top(p) & CLUSTER]
    assert sorted(found) == ["scale/dask_client.py", "scale/dask_executor.py", "scale/dask_local.py"]
    assert not loaded_by("import scale.dask_address, scale.dask_task") & CLUSTER


def test_what_an_engine_needs_is_loaded_when_it_is_asked() -> None:
    assert [name(p) for p in MODULES if at_the_top(p) & {"pymilvus", "grpc"}] == []


def test_what_loads_slowly_is_imported_inside_functions() -> None:
    assert [name(p) for p in MODULES if at_the_top(p) & LATE] == []


def test_the_base_install_has_what_loads_slowly() -> None:
    base = [line for line in distribution("semblance").requires or [] if "extra ==" not in line]
    assert {"scikit-image", "scikit-learn", "scipy"} <= {re.split(r"[<>=!~; ]", line)[0] for line in base}


def test_the_bundled_weights_are_small() -> None:
    assert 1_000_000 < (ROOT / "deep" / "bundled.safetensors").stat().st_size <= 12_000_000


def test_nothing_pickles() -> None:
    pickling = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    assert [name(p) for p in MODULES if imported(p) & pickling] == []
    assert [name(p) for p in MODULES if "allow_pickle=True" in p.read_text(encoding="utf-8")] == []


def test_no_file_is_above_300_lines() -> None:
    files = [*MODULES, *(ROOT / "benchmarks").glob("*.py")]
    assert [name(p) for p in files if len(p.read_text(encoding="utf-8").splitlines()) > 300] == []


def undocumented(path: Path) -> Iterator[str]:
    """Yield the public classes and functions of a file that have no docstring."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    if module.body and ast.get_docstring(module) is None:
        yield "the module"
    scopes: list[ast.Module | ast.ClassDef] = [module]
    for scope in scopes:
        for node in scope.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                if ast.get_docstring(node) is None:
                    yield node.name
                if isinstance(node, ast.ClassDef):
                    scopes.append(node)


def test_everything_public_is_documented() -> None:
    assert [f"{name(p)}: {lacking}" for p in MODULES for lacking in undocumented(p)] == []


def test_importing_the_packages_loads_nothing_that_only_extras_install() -> None:
    names = [".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for p in MODULES]
    beyond = ("deep", "viewer.server", "scale.dask_client", "scale.dask_executor", "scale.dask_local")
    code = "import " + ", ".join(n for n in names if not n.startswith(beyond))
    # numba itself loads the top of scipy.
    assert not loaded_by(code) & ((EXTRAS | LATE | SERVER | CLUSTER) - {"scipy"})


def test_the_command_without_work_loads_neither_numpy_nor_opencv() -> None:
    heavy = {"numpy", "cv2", "numba", *EXTRAS, *LATE, *SERVER}
    assert not loaded_by("import cli.main; cli.main.main(['--help'])") & heavy


BARE = """
import click
group = click.Group(commands={"index": click.Command("index", help="index images")})
group.main(["--help"], standalone_mode=False)
"""


def test_the_help_loads_little_more_than_a_bare_group_of_click() -> None:
    ours, bare = loaded_by("import cli.main; cli.main.main(['--help'])"), loaded_by(BARE)
    # Modules in the interpreter itself cost nothing.
    assert ours - bare - set(sys.builtin_module_names) <= {"cli", "retrieval"}
    show = "import sys; print(*(name for name in sys.modules if name.split('.')[0] in ('cli', 'retrieval')))"
    code = f"import cli.main; cli.main.main(['--help']); {show}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own = {"cli", "cli.error_lines", "cli.group", "cli.main", "retrieval", "retrieval.errors"}
    assert set(done.stdout.splitlines()[-1].split()) == own


wheel = pytest.mark.skipif(
    "SEMBLANCE_WHEEL" not in os.environ, reason="only for a built wheel: make wheel-test"
)


@wheel
def test_the_wheel_holds_the_packages_and_nothing_else() -> None:
    with zipfile.ZipFile(os.environ["SEMBLANCE_WHEEL"]) as archive:
        names = archive.namelist()
    assert {entry.split("/")[0] for entry in names if ".dist-info/" not in entry} == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert {"deep/bundled.safetensors", "deep/MODEL_CARD.md"} <= set(names)
    static = {name(path) for path in (ROOT / "viewer" / "static").rglob("*") if path.is_file()}
    assert static and {entry for entry in names if entry.startswith("viewer/static/")} == static
    assert any(entry.endswith("LICENSE") and ".dist-info/" in entry for entry in names)
    assert {entry for entry in names if entry.endswith(".py")} == {name(path) for path in MODULES}


@wheel
def test_the_description_in_the_wheel_has_no_link_between_files() -> None:
    with zipfile.ZipFile(os.environ["SEMBLANCE_WHEEL"]) as archive:
        (place,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(place).decode()
    assert "# Semblance" in metadata
    assert re.findall(r"\]\((?![a-z]+:)[^)]+\)", metadata) == []


@wheel
@pytest.mark.parametrize("package", PACKAGES)
def test_the_installed_wheel_is_what_is_tested(package: str) -> None:
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    assert Path(spec.origin).resolve().is_relative_to(Path(sys.prefix).resolve())
    assert "site-packages" in Path(spec.origin).parts


@wheel
@pytest.mark.parametrize("name", ["torch", "matplotlib", "mypy", "ruff", "build"])
def test_the_clean_environment_lacks(name: str) -> None:
    assert find_spec(name) is None


@wheel
def test_three_detectors_index_and_answer(tmp_path: Path) -> None:
    from cli.commands.demo_images import write_pictures

    command, folder, index = Path(sys.executable).with_name("semblance"), tmp_path / "scans", tmp_path / "i"
    write_pictures(folder)
    detectors = [part for name in ("sift", "dense", "superpixel") for part in ("--by", name)]
    run = [
        command,
        "index",
        folder,
        "-o",
        index,
        *detectors,
        "--words",
        "50",
        "--points",
        "60",
        "--jobs",
        "2",
    ]
    subprocess.run(run, check=True, capture_output=True, cwd=tmp_path)
    asked = "tissue/r1c1.png"
    for name in ("sift", "dense", "superpixel"):
        answer = subprocess.run(
            [command, "query", index, asked, "--by", name, "-k", "1", "--csv"],
            check=True,
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert asked in answer.stdout.splitlines()[1]


def said(*words: object, folder: Path) -> tuple[int, str]:
    """Return the exit code of the installed command and all that it says."""
    command = Path(sys.executable).with_name("semblance")
    done = subprocess.run(
        [command, *map(str, words)], capture_output=True, text=True, cwd=folder, check=False
    )
    return done.returncode, done.stdout + done.stderr


@wheel
def test_the_demo_runs_whole(tmp_path: Path) -> None:
    code, text = said("demo", "--jobs", 2, folder=tmp_path)
    assert code == 0, text
    # All of its images are there: none is from a package that only an extra installs.
    assert "each of 137 images asks once" in text and "without the images of" not in text
    made = {path.name for path in (tmp_path / "demo").iterdir()}
    assert made == {"pictures", "index", "report.html", "sheet.png", "points.png"}


@wheel
def test_what_needs_torch_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "labels.csv").write_text("path,label\n")
    for words in (
        ("index", "scans", "-o", "i", "--by", "deep", "--precision", "bfloat16"),
        ("train", "scans", "--labels", "labels.csv", "-o", "model"),
    ):
        code, text = said(*words, folder=tmp_path)
        assert code == 2 and "torch" in text and "pip install 'semblance[deep]'" in text
        assert len(text.splitlines()) == 1 and "matplotlib" not in text


@wheel
def test_the_face_indexes_and_answers_and_writes_a_page(tmp_path: Path) -> None:
    from cli.commands.demo_images import write_pictures

    write_pictures(tmp_path / "scans")
    script = (ROOT / "examples" / "first_steps.py").read_text("utf-8")
    assert len(script.splitlines()) <= 12
    done = subprocess.run(
        [sys.executable, "-c", script, "scans", "answer.html"], capture_output=True, cwd=tmp_path, check=True
    )
    assert b"137 images; look at answer.html" in done.stdout
    assert "data:image/jpeg" in (tmp_path / "answer.html").read_text("utf-8")
